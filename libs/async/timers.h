// Something that happens later. Injected, so that tests and the simulator decide when "later" is.
#pragma once

#include <memory>

#include <boost/asio/io_context.hpp>

#include "libs/async/awaitable.h"

#include "absl/functional/any_invocable.h"
#include "absl/time/time.h"

namespace penstock {

// One pending callback. Destroying it cancels: afterwards the callback will not start, but one that
// is running on another thread may still be.
class Timer {
 public:
  virtual ~Timer() = default;
};

// Thread-safe.
class Timers {
 public:
  virtual ~Timers() = default;

  // Calls `callback` once, `delay` from now, on a thread that must not be blocked.
  [[nodiscard]] virtual std::unique_ptr<Timer> After(absl::Duration delay,
                                                     absl::AnyInvocable<void()> callback) = 0;
};

// Timers on an io_context, by the monotonic clock. The io_context must outlive them.
class AsioTimers : public Timers {
 public:
  explicit AsioTimers(boost::asio::io_context& io) : io_(io) {}
  std::unique_ptr<Timer> After(absl::Duration delay, absl::AnyInvocable<void()> callback) override;

 private:
  boost::asio::io_context& io_;
};

// Suspends the calling coroutine for `delay`.
Awaitable<void> Sleep(Timers& timers, absl::Duration delay);

}  // namespace penstock
