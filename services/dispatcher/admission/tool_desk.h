// Where the results of a caller's tools come in: from a request to the journal, or a refusal that
// says why.
#pragma once

#include <stop_token>
#include <string>

#include "libs/async/awaitable.h"
#include "penstock/dispatcher/v1/dispatcher.pb.h"
#include "services/dispatcher/queue/shard.h"
#include "services/dispatcher/turn/turn_services.h"

#include "absl/status/status.h"

namespace penstock::dispatcher {

// Thread-safe.
class ToolDesk {
 public:
  // The references outlive it.
  ToolDesk(const TurnServices& services, Journal& journal)
      : services_(services), journal_(journal) {}

  // OK when the results are journaled, synced, and the turn goes on; also for a request that was
  // answered before. Waits while it is not known yet where a turn stands that was taken up again.
  // Refusals: api.md's table; `call` is for the user of the request.
  Awaitable<absl::Status> Submit(Shard& shard, PeerCall call, v1::SubmitToolResultsRequest request,
                                 std::stop_token stop);

 private:
  Awaitable<absl::Status> Store(Shard& shard, PeerCall call, v1::SubmitToolResultsRequest request,
                                std::string digest, std::stop_token stop);
  // Whether results whose append failed are in the journal all the same. `call` stops it.
  Awaitable<bool> WereJournaled(const PeerCall& call, const TurnIds& ids,
                                const v1::ToolResults& results);
  // Why a turn that is not live takes no results.
  Awaitable<absl::Status> NotLive(PeerCall call, std::string name);

  const TurnServices& services_;
  Journal& journal_;
};

}  // namespace penstock::dispatcher
