// One HTTP request to a provider and its answer: fed on the HTTP client's thread, read by a
// coroutine.
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "libs/async/awaitable.h"
#include "libs/async/delta_coalescer.h"
#include "libs/async/timers.h"
#include "libs/base/clock.h"
#include "libs/base/mutex.h"
#include "libs/http/http_stream_client.h"
#include "libs/http/sse_parser.h"
#include "services/provider_adapter/answer.h"
#include "services/provider_adapter/provider.h"

#include "absl/functional/any_invocable.h"

namespace penstock::provider_adapter {

// What an attempt needs of its surroundings; they outlive it.
struct AttemptContext {
  std::string provider;
  Clock& clock;
  // Best those of the HTTP client's thread.
  Timers& timers;
  DeltaCoalescer::Options coalescing;
  size_t max_output_bytes = 0;
  OfferedTools tools = {};
};

// The provider is read as fast as it sends; what the coroutine has not taken is bounded by
// `max_output_bytes`. Parsing happens where the bytes arrive, so that the coroutine is woken once
// for each delta it has to tell, not for each event. Thread-safe; one coroutine reads. Make it with
// std::make_shared.
class Attempt : public http::HttpObserver, public std::enable_shared_from_this<Attempt> {
 public:
  Attempt(AttemptContext context, std::unique_ptr<AnswerParser> parser);

  // What there is to tell, oldest first.
  struct Batch {
    // The provider answered with success. Told with the first text or the end; at once when it
    // stated its limits, for they age.
    bool started = false;
    std::string request_id;
    std::optional<provider::v1::RateLimits> limits;
    std::vector<DeltaPiece> deltas;
    // The answer has ended: nothing follows.
    bool ended = false;
    // Stop was called: nothing follows.
    bool stopped = false;
  };

  // Suspends until there is something. The coroutine goes on on the thread that brought it.
  Awaitable<Batch> Next();
  // Ends a wait in Next.
  void Stop();

  // After `ended`: the last event, and what the ledger of metrics wants to know.
  struct End {
    provider::v1::GenerateEvent event;
    std::optional<chat::v1::ErrorKind> failure;
  };
  End TakeEnd(const std::optional<pricing::Rates>& rates);
  // From construction to the first text; nullopt without text.
  std::optional<absl::Duration> time_to_first_text() const;
  int64_t received_bytes() const;

  void OnHeaders(int status, const http::HttpHeaders& headers) override;
  http::Flow OnBody(absl::string_view bytes) override;
  void OnDone(http::HttpOutcome outcome) override;

 private:
  enum class Form { kUnknown, kStream, kDocument, kErrorBody };
  // Resumes the coroutine: on this thread, or by a post.
  enum class Resume { kHere, kPosted };
  using Waiter = absl::AnyInvocable<void(Resume)>;

  Form FormOf(int status, const http::HttpHeaders& headers) const;
  void TakeBody(absl::string_view bytes) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  void TakeStream(absl::string_view bytes) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  void TakeDocument(absl::string_view bytes) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  void Conclude(const http::HttpOutcome& outcome) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);

  bool Ready() const ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  std::optional<Batch> TryTake();
  void SetWaiter(Waiter waiter);
  // The waiter when there is something for it; otherwise the timer for what is held back is set.
  Waiter TakeWaiter() ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  void SetTimer() ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  void OnTimer();

  const AttemptContext context_;
  const absl::Duration begun_;
  mutable Mutex mutex_;
  const std::unique_ptr<AnswerParser> parser_ ABSL_PT_GUARDED_BY(mutex_);
  http::SseParser sse_ ABSL_GUARDED_BY(mutex_);
  Answer answer_ ABSL_GUARDED_BY(mutex_);
  Form form_ ABSL_GUARDED_BY(mutex_) = Form::kUnknown;
  int status_ ABSL_GUARDED_BY(mutex_) = 0;
  // Of an error status, to be classified with the body.
  http::HttpHeaders error_headers_ ABSL_GUARDED_BY(mutex_);
  // A document or an error's body.
  std::string body_ ABSL_GUARDED_BY(mutex_);
  std::string request_id_ ABSL_GUARDED_BY(mutex_);
  std::optional<provider::v1::RateLimits> limits_ ABSL_GUARDED_BY(mutex_);
  bool started_ ABSL_GUARDED_BY(mutex_) = false;
  bool started_told_ ABSL_GUARDED_BY(mutex_) = false;
  bool stopped_ ABSL_GUARDED_BY(mutex_) = false;
  int64_t received_bytes_ ABSL_GUARDED_BY(mutex_) = 0;
  std::optional<absl::Duration> first_text_ ABSL_GUARDED_BY(mutex_);
  Waiter waiter_ ABSL_GUARDED_BY(mutex_);
  std::unique_ptr<Timer> timer_ ABSL_GUARDED_BY(mutex_);
};

}  // namespace penstock::provider_adapter
