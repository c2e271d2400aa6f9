// Notices a reader that takes nothing.
#pragma once

#include <memory>
#include <optional>

#include "libs/async/timers.h"
#include "libs/base/clock.h"

#include "absl/functional/any_invocable.h"
#include "absl/time/time.h"

namespace penstock::gateway {

// One timer a stream, set about once each `timeout`, however many writes there are. Begin and End
// are called by one coroutine.
class StallWatch {
 public:
  // `on_stall` is called at most once, as soon as a write has taken `timeout`, on a timer's thread
  // and never after the destructor has begun.
  StallWatch(Timers& timers, Clock& clock, absl::Duration timeout,
             absl::AnyInvocable<void()> on_stall);
  ~StallWatch();

  // A write begins.
  void Begin();
  // It ended; true when it had stalled.
  bool End();

 private:
  struct State;
  static void Arm(const std::shared_ptr<State>& state, absl::Duration delay);
  static void Look(const std::shared_ptr<State>& state);

  const std::shared_ptr<State> state_;
};

}  // namespace penstock::gateway
