#include "services/dispatcher/admission/tool_desk.h"

#include <utility>

#include "libs/async/sleep_or_stop.h"
#include "libs/async/status_macros.h"
#include "libs/base/failpoint.h"
#include "libs/base/ids.h"
#include "libs/base/proto_time.h"
#include "services/dispatcher/admission/find_request.h"
#include "services/dispatcher/admission/request_digest.h"
#include "services/dispatcher/turn/retry_policy.h"

namespace penstock::dispatcher {

Awaitable<absl::Status> ToolDesk::Submit(Shard& shard, PeerCall call,
                                         v1::SubmitToolResultsRequest request,
                                         std::stop_token stop) {
  PENSTOCK_CO_RETURN_IF_ERROR(shard.CheckOwned());
  PENSTOCK_CO_RETURN_IF_ERROR(ParseTurnName(request.name(), "name").status());
  const std::string digest = ToolResultsDigest(request.name(), request.results());
  const std::string request_id = request.request_id();
  const identity::UserKey user = call.principal.key;
  if (request_id.empty()) {
    co_return co_await Store(shard, std::move(call), std::move(request), digest, std::move(stop));
  }
  while (!co_await shard.joins().Begin(user, request_id)) {
    PENSTOCK_CO_ASSIGN_OR_RETURN(
        const auto known,
        co_await FindRequest(journal_, user, request_id, digest, services_.clock.Now()));
    if (known) co_return absl::OkStatus();
  }
  auto known = co_await FindRequest(journal_, user, request_id, digest, services_.clock.Now());
  absl::Status status = known.status();
  if (status.ok() && !*known) {
    status = co_await Store(shard, std::move(call), std::move(request), digest, std::move(stop));
  }
  shard.joins().End(user, request_id);
  co_return status;
}

Awaitable<absl::Status> ToolDesk::Store(Shard& shard, PeerCall call,
                                        v1::SubmitToolResultsRequest request, std::string digest,
                                        std::stop_token stop) {
  PENSTOCK_CO_ASSIGN_OR_RETURN(const TurnIds ids, ParseTurnName(request.name(), "name"));
  const TurnKey key(call.principal.key, ids.turn);
  const auto turn = shard.FindTurn(key);
  if (turn == nullptr || turn->name() != request.name()) {
    co_return co_await NotLive(std::move(call), request.name());
  }
  if (!co_await turn->stands_clear().Wait(std::move(stop))) {
    co_return absl::CancelledError("the caller has gone");
  }
  PENSTOCK_CO_RETURN_IF_ERROR(shard.CheckOwned());
  const auto step =
      turn->ClaimToolResults(request.results(), services_.config.turn().max_tool_results_bytes());
  if (!step.ok()) {
    const bool ended = shard.FindTurn(key) == nullptr;
    co_return ended ? co_await NotLive(std::move(call), request.name()) : step.status();
  }
  v1::ToolResults results;
  results.set_step(*step);
  *results.mutable_results() = std::move(*request.mutable_results());
  *results.mutable_time() = ToProto(services_.clock.Now());
  results.set_request_id(request.request_id());
  results.set_request_digest(std::move(digest));
  const absl::Status journaled =
      PENSTOCK_PLANTED_BUG("planted.tool_results_unjournaled")
          ? absl::OkStatus()
          : co_await journal_.AppendToolResults(call.principal.key, ids, results);
  if (!journaled.ok() && !co_await WereJournaled(call, ids, results)) {
    turn->DropClaim();
    co_return journaled;
  }
  turn->TakeToolResults(std::move(results));
  co_return absl::OkStatus();
}

Awaitable<bool> ToolDesk::WereJournaled(const PeerCall& call, const TurnIds& ids,
                                        const v1::ToolResults& results) {
  for (int32_t failures = 0; !results.request_id().empty(); ++failures) {
    const auto row = co_await journal_.LookupRequestId(call.principal.key, results.request_id(),
                                                       services_.clock.Now());
    if (row.ok()) {
      co_return row->has_value() && (*row)->turn_id() == ids.turn &&
          (*row)->request_digest() == results.request_digest();
    }
    if (!co_await SleepOrStop(services_.timers, PeerBackoff(failures), call.stop)) break;
  }
  co_return false;
}

Awaitable<absl::Status> ToolDesk::NotLive(PeerCall call, std::string name) {
  session::v1::GetTurnRequest get;
  get.set_name(name);
  PENSTOCK_CO_ASSIGN_OR_RETURN(const chat::v1::Turn ended, co_await services_.peers.session.GetTurn(
                                                               std::move(call), std::move(get)));
  co_return NotAwaitingTools(name, ended.state());
}

}  // namespace penstock::dispatcher
