#include "services/dispatcher/turn/commit_turn.h"

#include <utility>

#include "libs/async/sleep_or_stop.h"
#include "libs/async/status_macros.h"
#include "libs/base/log.h"
#include "libs/base/proto_time.h"
#include "libs/base/refusal.h"
#include "services/dispatcher/turn/prepare_turn.h"

namespace penstock::dispatcher {
namespace {

constexpr absl::Duration kCommitCallTimeout = absl::Seconds(5);

session::v1::CommitTurnRequest CommitRequest(session::v1::Fence fence, const Ending& ending) {
  session::v1::CommitTurnRequest request;
  *request.mutable_fence() = std::move(fence);
  *request.mutable_turn() = ending.turn;
  request.set_with_input(!ending.begun);
  return request;
}

v1::Generated GeneratedOf(const chat::v1::Turn& turn) {
  v1::Generated generated;
  if (turn.output_size() > 0) *generated.mutable_message() = turn.output(0);
  generated.set_finish_reason(turn.finish_reason());
  *generated.mutable_usage() = turn.usage();
  if (turn.has_cost_nano_usd()) generated.set_cost_nano_usd(turn.cost_nano_usd());
  generated.set_model(turn.model());
  return generated;
}

// A commit is not stopped with its turn: stopping came too late then.
PeerCall CommitCall(const TurnServices& services, const LiveTurn& turn, std::stop_token shutdown) {
  PeerCall call = CallFor(turn, services.clock.Now() + kCommitCallTimeout);
  call.stop = std::move(shutdown);
  return call;
}

}  // namespace

Awaitable<absl::StatusOr<chat::v1::Turn>> CommitTurn(const TurnServices& services, TurnOwner& owner,
                                                     LiveTurn& turn, session::v1::Fence fence,
                                                     Ending ending, std::stop_token shutdown) {
  const absl::Duration patience_ends =
      services.clock.Monotonic() + FromProto(services.config.turn().commit_patience());
  bool kept = ending.turn.state() != chat::v1::Turn::SUCCEEDED;
  for (int32_t failures = 0;; ++failures) {
    auto committed = co_await services.peers.session.CommitTurn(
        CommitCall(services, turn, shutdown), CommitRequest(fence, ending));
    if (committed.ok()) co_return std::move(*committed->mutable_turn());
    const absl::Status refused = committed.status();
    if (ReasonOf(refused) == "FENCED" || shutdown.stop_requested()) co_return refused;
    if (ReasonOf(refused) == "NOT_BEGUN") {
      // A power cut took the begin, which is not synced: begin again, then commit what we hold.
      // Also when the turn was stopped: session-state must have its input.
      auto begun = co_await BeginTurn(services, turn, fence, shutdown);
      if (begun.ok() && begun->has_ended()) co_return std::move(*begun->mutable_ended());
      if (!begun.ok() && ReasonOf(begun.status()) == "FENCED") co_return begun.status();
      ending.begun = begun.ok();
      if (!ending.begun) *ending.turn.mutable_input() = turn.submitted().spec().input();
    } else if (!IsTransient(refused)) {
      Log(Severity::kError, "session-state refuses to commit a turn; trying again",
          {{"turn", turn.name()}, {"status", refused.message()}});
    }
    if (!kept && services.clock.Monotonic() >= patience_ends) {
      const absl::Status journaled = co_await owner.KeepGenerated(turn, GeneratedOf(ending.turn));
      kept = journaled.ok();
      if (kept) services.metrics.late_commits.Increment();
    }
    co_await SleepOrStop(services.timers, PeerBackoff(failures), shutdown);
  }
}

}  // namespace penstock::dispatcher
