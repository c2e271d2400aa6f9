// Fetches the keys that one issuer publishes: in time, and when a call needs one that is not there.
#pragma once

#include <memory>
#include <optional>
#include <stop_token>
#include <string>
#include <vector>

#include "libs/async/awaitable.h"
#include "libs/async/live_count.h"
#include "libs/async/one_shot.h"
#include "libs/base/mutex.h"
#include "libs/host/environment.h"
#include "libs/http/http_stream_client.h"
#include "libs/identity/published_keys.h"
#include "services/gateway/key_metrics.h"

#include "absl/functional/any_invocable.h"
#include "absl/status/status.h"

namespace penstock::gateway {

// identity::PublishedKeys decides when; one fetch at a time. Thread-safe.
class KeyFetcher {
 public:
  // The references outlive it. It fetches from here on.
  KeyFetcher(identity::PublishedKeys& keys, http::HttpStreamClient& client,
             const host::Environment& environment);
  // Stops.
  ~KeyFetcher();
  KeyFetcher(const KeyFetcher&) = delete;
  KeyFetcher& operator=(const KeyFetcher&) = delete;

  // Cancels a fetch under way, has calls that wait asked again, and fetches no more. Blocks until
  // nothing of it runs. May be called twice.
  void Stop();

  // For a call whose token needs the key `kid` (absent: any key). False when waiting is of no use,
  // jwks.max_waiting_calls wait, or this was stopped. Else `again` is called once, on the process'
  // workers, when a fetch has ended, or at once when the key has come meanwhile.
  bool Await(const std::optional<std::string>& kid, absl::AnyInvocable<void()> again);

 private:
  Awaitable<void> Run();
  // Until PublishedKeys has something to do, or a call asks.
  Awaitable<void> Pause();
  Awaitable<void> Fetch();
  // Of a fetch begun at `begun`.
  void Report(const absl::Status& status, absl::Time begun);
  void AskAgain();
  bool stopping() const { return stop_.stop_requested(); }

  identity::PublishedKeys& keys_;
  http::HttpStreamClient& client_;
  const host::Environment environment_;
  const KeyMetrics metrics_;
  std::stop_source stop_;

  // Of the loop alone. The `kid`s that were told of last; the last fetch failed.
  std::string told_kids_;
  bool failing_ = false;

  Mutex mutex_;
  bool closed_ ABSL_GUARDED_BY(mutex_) = false;
  std::vector<absl::AnyInvocable<void()>> waiting_ ABSL_GUARDED_BY(mutex_);
  // Ends the pause of the loop.
  std::shared_ptr<OneShot<bool>> wake_ ABSL_GUARDED_BY(mutex_);
  LiveCount running_;
};

}  // namespace penstock::gateway
