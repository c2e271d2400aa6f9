// Reading, one by one, the events of a server stream whose messages carry several.
#pragma once

#include <optional>
#include <type_traits>
#include <utility>

#include "libs/async/awaitable.h"
#include "libs/async/status_macros.h"
#include "libs/rpc/server_stream.h"

#include "absl/status/statusor.h"

namespace penstock::rpc {

// `Batch` is a message with a field `repeated Event events`. One coroutine reads at a time.
// Dropping it cancels the call.
template <class Batch>
class BatchedStream {
 public:
  using Event = typename std::decay_t<decltype(std::declval<Batch>().events())>::value_type;

  explicit BatchedStream(ServerStream<Batch> batches) : batches_(std::move(batches)) {}

  // As ServerStream::Next.
  Awaitable<absl::StatusOr<std::optional<Event>>> Next() {
    while (next_ == batch_.events_size()) {
      PENSTOCK_CO_ASSIGN_OR_RETURN(auto batch, co_await batches_.Next());
      if (!batch) co_return std::nullopt;
      batch_ = *std::move(batch);
      next_ = 0;
    }
    co_return std::move(*batch_.mutable_events(next_++));
  }

  void Cancel() { batches_.Cancel(); }

 private:
  ServerStream<Batch> batches_;
  Batch batch_;
  int next_ = 0;
};

}  // namespace penstock::rpc
