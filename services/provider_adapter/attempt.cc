#include "services/provider_adapter/attempt.h"

#include <algorithm>
#include <utility>

#include <boost/asio/associated_executor.hpp>
#include <boost/asio/dispatch.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/use_awaitable.hpp>

#include "services/provider_adapter/rate_limit_headers.h"

#include "absl/strings/ascii.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"

namespace penstock::provider_adapter {
namespace {

using http::Flow;

constexpr size_t kMaxErrorBodyBytes = 64 * 1024;

// A whole answer is its text, escaped (six bytes for one at worst), and some frame.
size_t MaxDocumentBytes(size_t max_output_bytes) { return 6 * max_output_bytes + 256 * 1024; }

}  // namespace

Attempt::Attempt(AttemptContext context, std::unique_ptr<AnswerParser> parser)
    : context_(std::move(context)),
      begun_(context_.clock.Monotonic()),
      parser_(std::move(parser)),
      answer_(context_.provider, context_.coalescing, context_.max_output_bytes, context_.tools) {}

Awaitable<Attempt::Batch> Attempt::Next() {
  while (true) {
    if (std::optional<Batch> batch = TryTake()) co_return *std::move(batch);
    co_await boost::asio::async_initiate<const boost::asio::use_awaitable_t<>, void()>(
        [this](auto handler) {
          this->SetWaiter([handler = std::move(handler)](Resume how) mutable {
            auto executor = boost::asio::get_associated_executor(handler);
            if (how == Resume::kHere) {
              boost::asio::dispatch(executor, std::move(handler));
            } else {
              boost::asio::post(executor, std::move(handler));
            }
          });
        },
        boost::asio::use_awaitable);
  }
}

bool Attempt::Ready() const {
  return stopped_ || limits_ || answer_.ended() || answer_.NextDue() <= context_.clock.Monotonic();
}

std::optional<Attempt::Batch> Attempt::TryTake() {
  MutexLock lock(mutex_);
  if (!Ready()) return std::nullopt;
  timer_.reset();
  Batch batch{.started = started_ && !std::exchange(started_told_, started_),
              .request_id = request_id_,
              .limits = std::exchange(limits_, std::nullopt),
              .deltas = answer_.TakeDue(context_.clock.Monotonic()),
              .ended = answer_.ended(),
              .stopped = stopped_};
  return batch;
}

void Attempt::SetWaiter(Waiter waiter) {
  {
    MutexLock lock(mutex_);
    if (!Ready()) {
      waiter_ = std::move(waiter);
      SetTimer();
      return;
    }
  }
  // Not here: the coroutine is still on its way into the wait.
  waiter(Resume::kPosted);
}

void Attempt::SetTimer() {
  const absl::Duration due = answer_.NextDue();
  if (timer_ != nullptr || due == absl::InfiniteDuration()) return;
  timer_ = context_.timers.After(due - context_.clock.Monotonic(), [weak = weak_from_this()] {
    if (const auto self = weak.lock()) self->OnTimer();
  });
}

void Attempt::OnTimer() {
  Waiter waiter;
  {
    MutexLock lock(mutex_);
    timer_.reset();
    waiter = TakeWaiter();
  }
  if (waiter) waiter(Resume::kHere);
}

Attempt::Waiter Attempt::TakeWaiter() {
  if (!waiter_) return nullptr;
  if (Ready()) return std::exchange(waiter_, nullptr);
  SetTimer();
  return nullptr;
}

void Attempt::Stop() {
  Waiter waiter;
  {
    MutexLock lock(mutex_);
    stopped_ = true;
    waiter = std::exchange(waiter_, nullptr);
  }
  if (waiter) waiter(Resume::kPosted);
}

Attempt::End Attempt::TakeEnd(const std::optional<pricing::Rates>& rates) {
  MutexLock lock(mutex_);
  const auto failure = answer_.failure_kind();
  return {.event = answer_.TakeEnd(rates, request_id_), .failure = failure};
}

std::optional<absl::Duration> Attempt::time_to_first_text() const {
  MutexLock lock(mutex_);
  return first_text_;
}

int64_t Attempt::received_bytes() const {
  MutexLock lock(mutex_);
  return received_bytes_;
}

Attempt::Form Attempt::FormOf(int status, const http::HttpHeaders& headers) const {
  if (status < 200 || status > 299) return Form::kErrorBody;
  const std::string type = absl::AsciiStrToLower(headers.Find("content-type").value_or(""));
  if (absl::StrContains(type, "event-stream")) return Form::kStream;
  return absl::StrContains(type, "json") ? Form::kDocument : Form::kUnknown;
}

void Attempt::OnHeaders(int status, const http::HttpHeaders& headers) {
  Waiter waiter;
  {
    MutexLock lock(mutex_);
    status_ = status;
    request_id_ = RequestIdOf(headers);
    form_ = FormOf(status, headers);
    if (form_ == Form::kErrorBody) error_headers_ = headers;
    started_ = form_ != Form::kErrorBody;
    if (started_) limits_ = RateLimitsOf(headers, context_.clock.Now());
    waiter = TakeWaiter();
  }
  if (waiter) waiter(Resume::kHere);
}

Flow Attempt::OnBody(absl::string_view bytes) {
  Flow flow = Flow::kMore;
  Waiter waiter;
  {
    MutexLock lock(mutex_);
    received_bytes_ += static_cast<int64_t>(bytes.size());
    TakeBody(bytes);
    if (!first_text_ && answer_.begun()) first_text_ = context_.clock.Monotonic() - begun_;
    if (answer_.ended()) flow = answer_.complete() ? Flow::kEnough : Flow::kAbort;
    waiter = TakeWaiter();
  }
  if (waiter) waiter(Resume::kHere);
  return flow;
}

void Attempt::TakeBody(absl::string_view bytes) {
  if (form_ == Form::kUnknown) {
    const absl::string_view text = absl::StripLeadingAsciiWhitespace(bytes);
    if (text.empty()) return;
    if (text.front() == '<') {
      return answer_.OnUnusable(chat::v1::MALFORMED_RESPONSE, "the answer is HTML");
    }
    form_ = text.front() == '{' ? Form::kDocument : Form::kStream;
  }
  if (form_ == Form::kStream) return TakeStream(bytes);
  if (form_ == Form::kDocument) return TakeDocument(bytes);
  body_.append(bytes.data(), std::min(bytes.size(), kMaxErrorBodyBytes - body_.size()));
}

void Attempt::TakeStream(absl::string_view bytes) {
  // Clang does not see that the callback runs under the lock.
  Answer* const answer = &answer_;
  AnswerParser* const parser = parser_.get();
  const absl::Status status = sse_.Feed(bytes, [&](const http::SseEvent& event) {
    parser->OnEvent(event, *answer);
    return !answer->ended();
  });
  if (!status.ok()) {
    answer_.OnUnusable(chat::v1::MALFORMED_RESPONSE,
                       {status.message().data(), status.message().size()});
  }
}

void Attempt::TakeDocument(absl::string_view bytes) {
  const size_t most = MaxDocumentBytes(context_.max_output_bytes);
  if (body_.size() + bytes.size() > most) {
    return answer_.OnUnusable(chat::v1::MALFORMED_RESPONSE,
                              absl::StrCat("the answer is longer than ", most, " bytes"));
  }
  body_.append(bytes.data(), bytes.size());
}

void Attempt::OnDone(http::HttpOutcome outcome) {
  Waiter waiter;
  {
    MutexLock lock(mutex_);
    Conclude(outcome);
    if (!first_text_ && answer_.begun()) first_text_ = context_.clock.Monotonic() - begun_;
    waiter = TakeWaiter();
  }
  if (waiter) waiter(Resume::kHere);
}

void Attempt::Conclude(const http::HttpOutcome& outcome) {
  if (answer_.ended()) return;
  if (form_ == Form::kErrorBody && status_ != 0) {
    return answer_.Fail(
        FailureOfStatus(context_.provider, status_, error_headers_, body_, context_.clock.Now()));
  }
  if (form_ == Form::kDocument && outcome.kind == http::HttpOutcome::Kind::kOk) {
    return parser_->OnDocument(body_, answer_);
  }
  Failure failure = FailureOfOutcome(context_.provider, outcome);
  failure.set_http_status(status_);
  if (status_ != 0 && outcome.kind == http::HttpOutcome::Kind::kReset) {
    failure.set_kind(chat::v1::STREAM_TRUNCATED);
  }
  answer_.Close(std::move(failure));
}

}  // namespace penstock::provider_adapter
