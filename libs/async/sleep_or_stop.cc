#include "libs/async/sleep_or_stop.h"

#include "libs/async/one_shot.h"

namespace penstock {

Awaitable<bool> SleepOrStop(Timers& timers, absl::Duration delay, std::stop_token stop) {
  // Shared, because a timer that is being cancelled may still be running.
  const auto ended = std::make_shared<OneShot<bool>>();
  const auto timer = timers.After(delay, [ended] { ended->Set(true); });
  std::stop_callback stopped(stop, [ended] { ended->Set(false); });
  co_return co_await ended->Wait();
}

}  // namespace penstock
