#include "libs/async/timers.h"

#include <boost/asio/steady_timer.hpp>

#include "libs/async/one_shot.h"
#include "libs/base/mutex.h"

namespace penstock {
namespace {

// Shared by the handle and the pending wait. An asio timer is not thread-safe, hence the lock.
struct PendingTimer {
  PendingTimer(boost::asio::io_context& io, absl::AnyInvocable<void()> function)
      : timer(io), callback(std::move(function)) {}

  Mutex mutex;
  boost::asio::steady_timer timer ABSL_GUARDED_BY(mutex);
  absl::AnyInvocable<void()> callback ABSL_GUARDED_BY(mutex);
};

class AsioTimer : public Timer {
 public:
  explicit AsioTimer(std::shared_ptr<PendingTimer> pending) : pending_(std::move(pending)) {}
  ~AsioTimer() override {
    absl::AnyInvocable<void()> dropped;  // destroyed outside the lock
    MutexLock lock(pending_->mutex);
    dropped = std::exchange(pending_->callback, nullptr);
    pending_->timer.cancel();
  }

 private:
  std::shared_ptr<PendingTimer> pending_;
};

}  // namespace

std::unique_ptr<Timer> AsioTimers::After(absl::Duration delay,
                                         absl::AnyInvocable<void()> callback) {
  auto pending = std::make_shared<PendingTimer>(io_, std::move(callback));
  MutexLock lock(pending->mutex);
  pending->timer.expires_after(absl::ToChronoNanoseconds(delay));
  pending->timer.async_wait([pending](const boost::system::error_code&) {
    absl::AnyInvocable<void()> due;
    {
      MutexLock inner(pending->mutex);
      due = std::exchange(pending->callback, nullptr);
    }
    if (due) due();
  });
  return std::make_unique<AsioTimer>(pending);
}

Awaitable<void> Sleep(Timers& timers, absl::Duration delay) {
  OneShot<bool> due;
  const auto timer = timers.After(delay, [&due] { due.Set(true); });
  co_await due.Wait();
}

}  // namespace penstock
