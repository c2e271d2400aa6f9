#include "tests/providersim/completion_sender.h"

#include <algorithm>
#include <array>
#include <utility>

#include <boost/asio/as_tuple.hpp>
#include <boost/asio/buffer.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <boost/asio/write.hpp>

#include "tests/providersim/http_answer.h"

#include "absl/strings/str_cat.h"

namespace penstock::providersim {
namespace {

namespace asio = boost::asio;

using Steady = std::chrono::steady_clock;

constexpr size_t kFlushBytes = 64 * 1024;
constexpr absl::string_view kMalformedBody = "{\"id\": \"chatcmpl-broken\", \"choi";

int64_t Seconds(WallTime time) {
  return std::chrono::duration_cast<std::chrono::seconds>(time.time_since_epoch()).count();
}

}  // namespace

CompletionSender::CompletionSender(Socket& socket, ClientWatch& watch, Gates& gates,
                                   Admission& admission, const Reply& reply, std::string id)
    : socket_(socket),
      watch_(watch),
      gates_(gates),
      admission_(admission),
      reply_(reply),
      id_(std::move(id)),
      start_(std::chrono::system_clock::now()),
      chunks_(reply, absl::StrCat("chatcmpl-", id_), Seconds(start_)) {}

Awaitable<Outcome> CompletionSender::Send() {
  if (reply_.directives.hang_before) co_return co_await Hang();
  if (reply_.first_token.count() > 0 && !co_await watch_.SleepFor(reply_.first_token)) {
    co_return Outcome::kClientClosed;
  }
  first_token_ = Steady::now();
  if (reply_.stream) co_return co_await SendStream();
  co_return co_await SendWhole();
}

Awaitable<Outcome> CompletionSender::SendStream() {
  AppendHeadOf("text/event-stream; charset=utf-8");
  head_ += "transfer-encoding: chunked\r\n\r\n";
  payload_.reserve(std::min(kFlushBytes, static_cast<size_t>(reply_.events + 4) * 320));
  chunks_.Role(payload_);
  if (reply_.directives.malformed) {
    ChunkWriter::Malformed(payload_);
    ChunkWriter::Done(payload_);
    co_return co_await End(Outcome::kError);
  }
  for (int i = 0; i < reply_.reasoning.count(); ++i) {
    chunks_.Delta(payload_, reply_.directives.reasoning_field, reply_.reasoning.Slice(i, i + 1));
  }
  reasoning_appended_ = reply_.reasoning.count();
  const int events = reply_.events + static_cast<int>(reply_.calls.size());
  for (int event = 0; event < events; ++event) {
    const bool pause = paced() || payload_.size() > kFlushBytes;
    if (pause && !co_await Pause(event)) co_return Outcome::kClientClosed;
    AppendEvent(event);
    if (breaks() && tokens_appended_ == reply_.directives.fault_after) break;
  }
  if (breaks()) co_return co_await Break();
  chunks_.Finish(payload_, reply_.finish_reason);
  if (reply_.include_usage) chunks_.Usage(payload_, tokens_appended_);
  ChunkWriter::Done(payload_);
  co_return co_await End(Outcome::kCompleted);
}

void CompletionSender::AppendEvent(int event) {
  if (event >= reply_.events) {
    if (breaks() && tokens_appended_ >= reply_.directives.fault_after) return;
    chunks_.Call(payload_, reply_.calls[static_cast<size_t>(event - reply_.events)]);
    ++tokens_appended_;
    return;
  }
  int end = EndOf(event);
  if (breaks()) end = std::min(end, reply_.directives.fault_after);
  if (end <= tokens_appended_) return;
  chunks_.Delta(payload_, reply_.field, reply_.text.Slice(tokens_appended_, end));
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

Awaitable<Outcome> CompletionSender::Break() {
  switch (reply_.directives.fault) {
    case Fault::kInBandError:
      ChunkWriter::Error(payload_);
      co_return co_await End(Outcome::kError);
    case Fault::kTruncate:
      co_return co_await End(Outcome::kCut);
    case Fault::kHang:
      if (!co_await Flush(false)) co_return Outcome::kClientClosed;
      co_return co_await Hang();
    default:
      if (!co_await Flush(false)) co_return Outcome::kClientClosed;
      Reset();
      co_return Outcome::kCut;
  }
}

Awaitable<Outcome> CompletionSender::SendWhole() {
  const auto spaced = reply_.interval * std::max(0, reply_.events - 1);
  const auto generated = reply_.GeneratedAfter(reply_.reasoning.count() + reply_.tokens());
  const auto due = first_token_ + std::max<Steady::duration>(spaced, generated);
  if (due > first_token_ && !co_await watch_.SleepUntil(due)) co_return Outcome::kClientClosed;
  const Fault fault = reply_.directives.fault;
  if (fault == Fault::kHang) co_return co_await Hang();
  if (fault == Fault::kCut) {
    Reset();
    co_return Outcome::kCut;
  }
  const bool malformed = reply_.directives.malformed;
  std::string body =
      malformed ? std::string(kMalformedBody)
                : RenderCompletion(reply_, absl::StrCat("chatcmpl-", id_), Seconds(start_));
  reasoning_appended_ = reply_.reasoning.count();
  tokens_appended_ = reply_.tokens();
  admission_.Generated(reasoning_appended_ + tokens_appended_);
  admission_.Settle();
  AppendHeadOf("application/json");
  absl::StrAppend(&head_, "content-length: ", body.size(), "\r\n\r\n");
  if (fault == Fault::kTruncate) body.resize(body.size() / 2);
  if (!co_await Write(std::move(body))) co_return Outcome::kClientClosed;
  if (fault == Fault::kTruncate) co_return Outcome::kCut;
  co_return malformed ? Outcome::kError : Outcome::kCompleted;
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
  const std::array<asio::const_buffer, 2> buffers = {asio::buffer(head_), asio::buffer(bytes)};
  auto [failed, written] =
      co_await asio::async_write(socket_, buffers, asio::as_tuple(asio::use_awaitable));
  if (failed) co_return false;
  head_.clear();
  status_ = 200;
  tokens_sent_ = tokens_appended_;
  co_return true;
}

void CompletionSender::Reset() {
  admission_.Settle();
  ResetConnection(socket_);
}

void CompletionSender::AppendHeadOf(absl::string_view content_type) {
  const auto processing = std::chrono::duration_cast<std::chrono::milliseconds>(
      std::chrono::system_clock::now() - start_);
  AppendHead(head_, 200, content_type, absl::StrCat("req_", id_), processing, admission_.Headers());
}

}  // namespace penstock::providersim
