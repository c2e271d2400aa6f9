// A pause that can be cut short.
#pragma once

#include <stop_token>

#include "libs/async/timers.h"

namespace penstock {

// True after `delay`; false as soon as `stop` comes first.
Awaitable<bool> SleepOrStop(Timers& timers, absl::Duration delay, std::stop_token stop);

}  // namespace penstock
