#include "tests/providersim/completion_sender.h"

#include <algorithm>
#include <utility>

#include "tests/providersim/http_answer.h"

#include "absl/strings/str_cat.h"

namespace penstock::providersim {
namespace {

using Steady = std::chrono::steady_clock;

constexpr size_t kFlushBytes = 64 * 1024;
// Neither a field name nor a comment, and no UTF-8.
constexpr absl::string_view kNoEvent = "\x01\xff<<<{]\n\n";

int64_t Seconds(WallTime time) {
  return std::chrono::duration_cast<std::chrono::seconds>(time.time_since_epoch()).count();
}

}  // namespace

CompletionSender::CompletionSender(Socket& socket, ClientWatch& watch, Gates& gates,
                                   Admission& admission, const WireFormat& format,
                                   const Reply& reply, std::string id)
    : watch_(watch),
      gates_(gates),
      admission_(admission),
      format_(format),
      reply_(reply),
      id_(std::move(id)),
      start_(std::chrono::system_clock::now()),
      writer_(format.NewWriter(reply, id_, Seconds(start_))),
      outlet_(socket, watch) {}

Awaitable<Outcome> CompletionSender::Send() {
  if (faults().hang_before) co_return co_await Hang();
  if (faults().cut_before) co_return Reset();
  if (reply_.first_token.count() > 0 && !co_await watch_.SleepFor(reply_.first_token)) {
    co_return Outcome::kClientClosed;
  }
  first_token_ = Steady::now();
  if (faults().drip && faults().strike != Strike::kDrip) outlet_.Drip(*faults().drip);
  if (reply_.stream) co_return co_await SendStream();
  co_return co_await SendWhole();
}

Awaitable<Outcome> CompletionSender::SendStream() {
  AppendHeadOf("text/event-stream; charset=utf-8");
  head_ += "transfer-encoding: chunked\r\n\r\n";
  payload_.reserve(std::min(kFlushBytes, static_cast<size_t>(reply_.events + 4) * 320));
  writer_->Begin(payload_);
  AppendThoughts();
  const int events = reply_.events + static_cast<int>(reply_.calls.size());
  for (int event = 0; event < events; ++event) {
    const bool pause = paced() || payload_.size() > kFlushBytes;
    if (pause && !co_await Pause(event)) co_return Outcome::kClientClosed;
    AppendEvent(event);
    if (!doomed() || tokens_appended_ < faults().after) continue;
    if (const auto outcome = co_await Befall()) co_return *outcome;
    AppendEvent(event);
  }
  if (doomed()) {
    if (const auto outcome = co_await Befall()) co_return *outcome;
  }
  writer_->Finish(payload_, tokens_appended_);
  co_return co_await End(Outcome::kCompleted);
}

void CompletionSender::AppendThoughts() {
  for (int i = 0; i < reply_.reasoning.count(); ++i) {
    writer_->Thought(payload_, reply_.reasoning.Slice(i, i + 1));
  }
  reasoning_appended_ = reply_.reasoning.count();
}

void CompletionSender::AppendEvent(int event) {
  int end = EndOf(event);
  if (doomed()) end = std::min(end, faults().after);
  if (end <= tokens_appended_) return;
  if (event < reply_.events) {
    writer_->Text(payload_, reply_.text.Slice(tokens_appended_, end));
  } else {
    writer_->Call(payload_, reply_.calls[static_cast<size_t>(event - reply_.events)]);
  }
  tokens_appended_ = end;
}

int CompletionSender::EndOf(int event) const {
  const int64_t tokens = reply_.text.count();
  if (event >= reply_.events) return static_cast<int>(tokens) + event - reply_.events + 1;
  return static_cast<int>((event + 1) * tokens / reply_.events);
}

bool CompletionSender::paced() const {
  return reply_.interval.count() > 0 || reply_.token_rate > 0 || !reply_.directives.gate.empty();
}

Awaitable<bool> CompletionSender::Pause(int event) {
  const auto generated = reply_.GeneratedAfter(reasoning_appended_ + EndOf(event));
  if (event == 0 && generated.count() == 0) co_return true;
  if (!co_await Flush(false)) co_return false;
  const auto now = Steady::now();
  const auto spaced = event > 0 ? now + reply_.interval : now;
  const auto due = std::max(spaced, first_token_ + generated);
  if (due > now && !co_await watch_.SleepUntil(due)) co_return false;
  const std::string& gate = reply_.directives.gate;
  while (!gate.empty() && !gates_.Passed(gate, tokens_sent_, watch_.Waker())) {
    if (!co_await watch_.SleepUntilWoken()) co_return false;
  }
  co_return true;
}

Awaitable<std::optional<Outcome>> CompletionSender::Befall() {
  struck_ = true;
  switch (faults().strike) {
    case Strike::kError:
      writer_->Error(payload_, format_.ErrorOfStatus(faults().error_status, faults().error_code));
      co_return co_await End(Outcome::kError);
    case Strike::kHang:
      if (!co_await Flush(false)) co_return Outcome::kClientClosed;
      co_return co_await Hang();
    case Strike::kCut:
      if (!co_await Flush(false)) co_return Outcome::kClientClosed;
      co_return Reset();
    case Strike::kTruncate:
      co_return co_await End(Outcome::kCut);
    case Strike::kTear:
      co_return co_await Tear();
    case Strike::kMalformedJson:
      writer_->MalformedJson(payload_);
      writer_->EndMarker(payload_);
      co_return co_await End(Outcome::kError);
    case Strike::kMalformedShape:
      writer_->MalformedShape(payload_);
      writer_->EndMarker(payload_);
      co_return co_await End(Outcome::kError);
    case Strike::kMalformedSse:
      payload_.append(kNoEvent.data(), kNoEvent.size());
      co_return co_await End(Outcome::kError);
    case Strike::kLongLine:
      writer_->LongLine(payload_, faults().line_bytes);
      co_return std::nullopt;
    case Strike::kDrip:
      if (!co_await Flush(false)) co_return Outcome::kClientClosed;
      outlet_.Drip(*faults().drip);
      co_return std::nullopt;
    case Strike::kNone:
      break;
  }
  co_return std::nullopt;
}

Awaitable<Outcome> CompletionSender::Tear() {
  std::string event;
  writer_->Text(event, "torn");
  payload_ += event.substr(0, event.size() / 2);
  const bool sent = co_await Flush(false);
  admission_.Settle();
  co_return sent ? Outcome::kCut : Outcome::kClientClosed;
}

Awaitable<Outcome> CompletionSender::SendWhole() {
  const auto spaced = reply_.interval * std::max(0, reply_.events - 1);
  const auto generated = reply_.GeneratedAfter(reply_.reasoning.count() + reply_.tokens());
  const auto due = first_token_ + std::max<Steady::duration>(spaced, generated);
  if (due > first_token_ && !co_await watch_.SleepUntil(due)) co_return Outcome::kClientClosed;
  const Strike strike = faults().strike;
  if (strike == Strike::kHang) co_return co_await Hang();
  if (strike == Strike::kCut) co_return Reset();
  std::string body = WholeBody();
  reasoning_appended_ = reply_.reasoning.count();
  tokens_appended_ = reply_.tokens();
  admission_.Generated(reasoning_appended_ + tokens_appended_);
  admission_.Settle();
  AppendHeadOf("application/json");
  absl::StrAppend(&head_, "content-length: ", body.size(), "\r\n\r\n");
  if (strike == Strike::kDrip) {
    if (!co_await Write("")) co_return Outcome::kClientClosed;
    outlet_.Drip(*faults().drip);
  }
  const bool half = strike == Strike::kTruncate || strike == Strike::kTear;
  if (half) body.resize(body.size() / 2);
  if (!co_await Write(std::move(body))) co_return Outcome::kClientClosed;
  if (half) co_return Outcome::kCut;
  const bool malformed = strike == Strike::kMalformedJson || strike == Strike::kMalformedShape ||
                         strike == Strike::kMalformedSse;
  co_return malformed ? Outcome::kError : Outcome::kCompleted;
}

std::string CompletionSender::WholeBody() const {
  std::string body = writer_->Whole();
  switch (faults().strike) {
    case Strike::kMalformedJson:
    case Strike::kMalformedSse:
      return body.substr(0, body.size() / 2);
    case Strike::kMalformedShape:
      return "[\"broken\"]\n";
    case Strike::kLongLine:
      return absl::StrCat("{\"padding\":\"",
                          std::string(static_cast<size_t>(faults().line_bytes), 'x'), "\",",
                          body.substr(1));
    default:
      return body;
  }
}

Awaitable<Outcome> CompletionSender::Hang() {
  while (co_await watch_.SleepUntilWoken()) {
  }
  co_return Outcome::kClientClosed;
}

Awaitable<Outcome> CompletionSender::End(Outcome outcome) {
  co_return co_await Flush(true) ? outcome : Outcome::kClientClosed;
}

Awaitable<bool> CompletionSender::Flush(bool last) {
  if (!payload_.empty()) {
    absl::StrAppend(&head_, absl::Hex(payload_.size()), "\r\n");
    payload_ += "\r\n";
  }
  if (last) payload_ += "0\r\n\r\n";
  admission_.Generated(reasoning_appended_ + tokens_appended_);
  if (last) admission_.Settle();
  std::string bytes = std::move(payload_);
  payload_.clear();
  return Write(std::move(bytes));
}

Awaitable<bool> CompletionSender::Write(std::string bytes) {
  std::string head = std::move(head_);
  head_.clear();
  const int tokens = tokens_appended_;
  if (!co_await outlet_.Write(std::move(head), std::move(bytes))) co_return false;
  tokens_sent_ = tokens;
  co_return true;
}

Outcome CompletionSender::Reset() {
  admission_.Settle();
  outlet_.Reset();
  return Outcome::kCut;
}

void CompletionSender::AppendHeadOf(absl::string_view content_type) {
  const auto processing = std::chrono::duration_cast<std::chrono::milliseconds>(
      std::chrono::system_clock::now() - start_);
  AppendHead(
      head_, 200, content_type,
      absl::StrCat(format_.Headers(absl::StrCat("req_", id_), processing), admission_.Headers()));
}

}  // namespace penstock::providersim
