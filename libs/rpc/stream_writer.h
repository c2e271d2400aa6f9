// The writing end of a server stream, for its handler.
#pragma once

#include "libs/async/awaitable.h"

#include "absl/status/status.h"

namespace penstock::rpc {

// One coroutine writes at a time.
template <class Event>
class StreamWriter {
 public:
  virtual ~StreamWriter() = default;

  // Hands one event to the transport and waits until it takes the next: that is the backpressure.
  // CANCELLED when the caller has gone.
  virtual Awaitable<absl::Status> Write(const Event& event) = 0;
};

}  // namespace penstock::rpc
