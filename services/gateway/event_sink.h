// Where the events of a turn go.
#pragma once

#include "libs/async/awaitable.h"
#include "penstock/chat/v1/turn.pb.h"

#include "absl/status/status.h"

namespace penstock::gateway {

class EventSink {
 public:
  virtual ~EventSink() = default;

  // Returns when the next event may be written; CANCELLED when the caller has gone.
  virtual Awaitable<absl::Status> Write(const chat::v1::TurnEvent& event) = 0;
};

}  // namespace penstock::gateway
