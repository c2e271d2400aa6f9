// How long a turn may wait to start.
#pragma once

#include "penstock/chat/v1/turn.pb.h"
#include "penstock/config/v1/config.pb.h"

#include "absl/strings/string_view.h"
#include "absl/time/time.h"

namespace penstock::dispatcher {

struct MaxWait {
  absl::Duration longest;
  // Who says so: "turn.max_wait", "queue.paid_max_wait".
  absl::string_view setting;
};

// What the caller says, else the setting of the class. For a watched turn: a job that says nothing
// waits until its deadline.
MaxWait MaxWaitOf(const config::v1::Queue& queue, const chat::v1::TurnSpec& spec,
                  chat::v1::TurnClass turn_class);

}  // namespace penstock::dispatcher
