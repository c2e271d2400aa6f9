#include "services/dispatcher/turn/commit_turn.h"

#include <utility>

#include <google/protobuf/util/message_differencer.h>

#include "libs/async/sleep_or_stop.h"
#include "libs/async/status_macros.h"
#include "libs/base/log.h"
#include "libs/base/proto_time.h"
#include "libs/base/refusal.h"
#include "services/dispatcher/turn/prepare_turn.h"
#include "services/dispatcher/turn/retry_policy.h"

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

// Of a turn that had ended before, whose last words may be those of a commit of ours.
bool EndsAs(const chat::v1::Turn& wanted, const chat::v1::Turn& stored) {
  if (wanted.output().empty() || stored.output().empty()) {
    return wanted.output().empty() == stored.output().empty();
  }
  return google::protobuf::util::MessageDifferencer::Equals(*wanted.output().rbegin(),
                                                            *stored.output().rbegin());
}

// A commit is not stopped with its turn: stopping came too late then.
PeerCall CommitCall(const TurnServices& services, const LiveTurn& turn, std::stop_token shutdown) {
  PeerCall call = CallFor(turn, services.clock.Now() + kCommitCallTimeout);
  call.stop = std::move(shutdown);
  return call;
}

// What both have in common: when to try again, and the journaling of what is late.
class Insistence {
 public:
  Insistence(const TurnServices& services, TurnOwner& owner, LiveTurn& turn,
             session::v1::Fence fence, std::optional<v1::Generated> generated,
             std::stop_token shutdown)
      : services_(services),
        owner_(owner),
        turn_(turn),
        fence_(std::move(fence)),
        generated_(std::move(generated)),
        shutdown_(std::move(shutdown)),
        patience_ends_(services.clock.Monotonic() +
                       FromProto(services.config.turn().commit_patience())) {}

  PeerCall Call() const { return CommitCall(services_, turn_, shutdown_); }

  // What session-state's refusal leads to: OK: try again, now. An answer when the turn had ended.
  Awaitable<absl::StatusOr<std::optional<chat::v1::Turn>>> After(absl::Status refused,
                                                                 bool& begun) {
    if (ReasonOf(refused) == "FENCED" || shutdown_.stop_requested()) co_return refused;
    if (ReasonOf(refused) == "NOT_BEGUN") {
      // A power cut took the begin, which is not synced: begin again, then write what we hold.
      auto again = co_await BeginForSteps(services_, turn_, fence_, shutdown_);
      if (again.ok() && again->has_ended()) co_return std::move(*again->mutable_ended());
      if (!again.ok() && ReasonOf(again.status()) == "FENCED") co_return again.status();
      begun = again.ok();
    } else if (!IsTransient(refused)) {
      Log(Severity::kError, "session-state refuses to keep what a turn has done; trying again",
          {{"turn", turn_.name()}, {"status", refused.message()}});
    }
    if (generated_ && services_.clock.Monotonic() >= patience_ends_) {
      const absl::Status journaled = co_await owner_.KeepGenerated(turn_, *generated_);
      if (journaled.ok()) {
        services_.metrics.late_commits.Increment();
        generated_.reset();
      }
    }
    co_await SleepOrStop(services_.timers, PeerBackoff(failures_++), shutdown_);
    co_return std::nullopt;
  }

 private:
  const TurnServices& services_;
  TurnOwner& owner_;
  LiveTurn& turn_;
  const session::v1::Fence fence_;
  // Not kept yet.
  std::optional<v1::Generated> generated_;
  const std::stop_token shutdown_;
  const absl::Duration patience_ends_;
  int32_t failures_ = 0;
};

}  // namespace

Awaitable<absl::StatusOr<Committed>> CommitTurn(const TurnServices& services, TurnOwner& owner,
                                                LiveTurn& turn, session::v1::Fence fence,
                                                Ending ending, std::stop_token shutdown) {
  Insistence insistence(services, owner, turn, fence, std::move(ending.generated), shutdown);
  while (true) {
    auto committed =
        co_await services.peers.session.CommitTurn(insistence.Call(), CommitRequest(fence, ending));
    if (committed.ok()) {
      const bool ours = !committed->already_committed() || EndsAs(ending.turn, committed->turn());
      co_return Committed{.turn = std::move(*committed->mutable_turn()), .ours = ours};
    }
    PENSTOCK_CO_ASSIGN_OR_RETURN(auto ended,
                                 co_await insistence.After(committed.status(), ending.begun));
    if (ended) {
      const bool ours = EndsAs(ending.turn, *ended);
      co_return Committed{.turn = *std::move(ended), .ours = ours};
    }
    // session-state has none, then.
    if (!ending.begun) *ending.turn.mutable_input() = turn.submitted().spec().input();
  }
}

Awaitable<absl::StatusOr<std::optional<chat::v1::Turn>>> KeepStep(const TurnServices& services,
                                                                  TurnOwner& owner, LiveTurn& turn,
                                                                  session::v1::Fence fence,
                                                                  chat::v1::Step step,
                                                                  std::stop_token shutdown) {
  Insistence insistence(
      services, owner, turn, fence,
      GeneratedOf(step, chat::v1::TOOL_CALLS, step.model(), FromProto(step.time())), shutdown);
  session::v1::AppendStepRequest request;
  request.set_turn(turn.name());
  *request.mutable_fence() = fence;
  *request.mutable_step() = std::move(step);
  for (bool begun = true;;) {
    auto kept = co_await services.peers.session.AppendStep(insistence.Call(), request);
    if (kept.ok() && kept->has_ended()) co_return std::move(*kept->mutable_ended());
    if (kept.ok()) co_return std::nullopt;
    PENSTOCK_CO_ASSIGN_OR_RETURN(auto ended, co_await insistence.After(kept.status(), begun));
    if (ended) co_return ended;
  }
}

}  // namespace penstock::dispatcher
