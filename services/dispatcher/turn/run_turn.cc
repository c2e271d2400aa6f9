#include "services/dispatcher/turn/run_turn.h"

#include <algorithm>
#include <utility>

#include "libs/base/failpoint.h"
#include "libs/base/proto_time.h"
#include "libs/base/refusal.h"
#include "services/dispatcher/turn/commit_turn.h"
#include "services/dispatcher/turn/generate_step.h"
#include "services/dispatcher/turn/prepare_turn.h"

namespace penstock::dispatcher {
namespace {

using chat::v1::TurnEvent;

TurnEvent StepFinishedEvent(const chat::v1::Step& step) {
  TurnEvent event;
  event.set_index(step.index());
  *event.mutable_time() = step.time();
  event.mutable_step_finished()->set_step(step.step());
  *event.mutable_step_finished()->mutable_message() = step.message();
  return event;
}

// The earlier of turn.tool_timeout after the question and the turn's deadline.
absl::Time ToolsExpire(const Run& run) {
  return std::min(
      run.turn->steps().AskedAt() + FromProto(run.services.config.turn().tool_timeout()),
      run.turn->deadline());
}

TurnEvent ToolCallsEvent(const Run& run) {
  const Steps steps = run.turn->steps();
  TurnEvent event;
  event.set_index(steps.finished().back().index() + 1);
  *event.mutable_time() = steps.finished().back().time();
  auto* asked = event.mutable_tool_calls_requested();
  asked->set_step(steps.current() - 1);
  for (auto& call : steps.OpenCalls()) *asked->add_calls() = std::move(call);
  *asked->mutable_expire_time() = ToProto(ToolsExpire(run));
  return event;
}

// Step 6: makes the step durable and tells its calls. Nothing of the pool is held by now. An ending
// when the turn had ended already.
Awaitable<absl::StatusOr<std::optional<Ending>>> AskForTools(Run& run, chat::v1::Step step) {
  LiveTurn& turn = *run.turn;
  auto ended = co_await KeepStep(run.services, run.owner, turn, run.fence, step, run.shutdown);
  if (!ended.ok()) co_return ended.status();
  if (*ended) co_return Ending{**std::move(ended), true, true};
  PENSTOCK_FAILPOINT("dispatcher.after_append_step");
  TurnEvent finished = StepFinishedEvent(step);
  turn.AddStep(std::move(step));
  turn.log().Append(std::move(finished), run.now());
  TurnEvent asked = ToolCallsEvent(run);
  run.services.metrics.tool_calls.Increment(asked.tool_calls_requested().calls_size());
  turn.AwaitTools(ToolsExpire(run));
  turn.log().Append(std::move(asked), run.now());
  co_return std::nullopt;
}

// The turn holds no permit, no place in line and no context meanwhile.
Awaitable<std::optional<Ending>> AwaitTools(Run& run) {
  run.services.metrics.awaiting_tools.Increment();
  const bool answered = co_await run.turn->ToolsAnswered();
  run.services.metrics.awaiting_tools.Decrement();
  if (answered) co_return std::nullopt;
  if (run.turn->stop_reason() == StopReason::kToolTimeout) {
    run.services.metrics.tool_timeouts.Increment();
  }
  co_return Stopped(*run.turn, /*begun=*/true, run.now());
}

// Puts what earlier runs finished into the turn and its log, where it stood before.
void Restore(Run& run, session::v1::Context context) {
  LiveTurn& turn = *run.turn;
  turn.Restore(Steps::Of(std::move(*context.mutable_steps()), run.remains->tool_results));
  const Steps steps = turn.steps();
  std::vector<TurnEvent> events;
  for (const chat::v1::Step& step : steps.finished()) events.push_back(StepFinishedEvent(step));
  const bool open = !steps.OpenCalls().empty();
  if (open) {
    turn.AwaitTools(ToolsExpire(run));
    events.push_back(ToolCallsEvent(run));
  }
  turn.log().Restore(std::move(events));
}

// An answer that an earlier life of the dispatcher had, but could not hand to session-state.
Awaitable<absl::StatusOr<std::optional<Ending>>> TakeUpGenerated(Run& run) {
  LiveTurn& turn = *run.turn;
  const v1::Generated& generated = *run.remains->generated;
  turn.MarkStarted(generated.model(), {}, false);
  turn.Spend(generated.usage(), generated.has_cost_nano_usd()
                                    ? std::optional(generated.cost_nano_usd())
                                    : std::nullopt);
  if (generated.finish_reason() != chat::v1::TOOL_CALLS) {
    provider::v1::GenerateFinished finished;
    *finished.mutable_message() = generated.message();
    finished.set_finish_reason(generated.finish_reason());
    co_return Succeeded(turn, std::move(finished), run.now());
  }
  chat::v1::Step step = turn.steps().Current(generated.message());
  step.set_model(generated.model());
  *step.mutable_time() = generated.time();
  step.set_index(generated.index());
  co_return co_await AskForTools(run, std::move(step));
}

// Learns from session-state and the journal where a turn stands that was taken up again, and takes
// it there. An ending when it stood at its end.
Awaitable<absl::StatusOr<std::optional<Ending>>> Resume(Run& run) {
  LiveTurn& turn = *run.turn;
  run.fence = run.owner.NextFence();
  auto begun = co_await BeginForSteps(run.services, turn, run.fence, run.shutdown);
  if (!begun.ok() && (ReasonOf(begun.status()) == "FENCED" || run.shutdown.stop_requested())) {
    co_return begun.status();
  }
  if (!begun.ok()) {
    co_return Refused(turn, /*begun=*/false, chat::v1::INVALID_REQUEST, begun.status().message(),
                      run.now());
  }
  run.begun = true;
  if (begun->has_ended()) {
    turn.Restore(Steps::OfEnded(run.remains->tool_results));
    co_return Ending{*std::move(begun)->mutable_ended(), true, true};
  }
  Restore(run, std::move(*begun->mutable_context()));
  const bool open = !turn.steps().OpenCalls().empty();
  if (!open && run.remains->generated && run.remains->generated->step() == turn.step()) {
    co_return co_await TakeUpGenerated(run);
  }
  turn.StandsClear();
  if (!open && run.remains->wait_for_watcher && !co_await turn.Watched()) {
    co_return Stopped(turn, /*begun=*/true, run.now());
  }
  if (!open && turn.stop_token().stop_requested()) {
    co_return Stopped(turn, /*begun=*/true, run.now());
  }
  co_return std::nullopt;
}

// Steps 3 to 6, over and over: how the turn is to end. FENCED when a newer owner exists; any other
// status when the dispatcher ends.
Awaitable<absl::StatusOr<Ending>> Produce(Run& run) {
  LiveTurn& turn = *run.turn;
  if (!co_await turn.HeadsSession()) co_return Stopped(turn, /*begun=*/false, run.now());
  if (run.remains) {
    auto ending = co_await Resume(run);
    turn.StandsClear();
    if (!ending.ok()) co_return ending.status();
    if (*ending) co_return **std::move(ending);
  }
  while (true) {
    if (!turn.steps().OpenCalls().empty()) {
      if (auto ending = co_await AwaitTools(run)) co_return *std::move(ending);
    }
    auto progress = co_await GenerateStep(run);
    if (!progress.ok()) co_return progress.status();
    if (progress->ending) co_return *std::move(progress->ending);
    auto ending = co_await AskForTools(run, *std::move(progress->asks));
    if (!ending.ok()) co_return ending.status();
    if (*ending) co_return **std::move(ending);
  }
}

}  // namespace

int32_t Remains::StartsAt(int32_t step) const {
  if (!started || started->step() != step) return 0;
  return std::max(started->step_starts(), step == 0 ? started->starts() : 0);
}

Awaitable<void> RunTurn(const TurnServices& services, TurnOwner& owner,
                        std::shared_ptr<LiveTurn> turn, std::optional<Remains> remains,
                        std::stop_token shutdown) {
  Run run{services, owner, turn, std::move(remains), shutdown, {}};
  absl::StatusOr<Ending> ending = co_await Produce(run);
  turn->StandsClear();
  if (turn->stop_reason() == StopReason::kOwnerMoved) co_return;
  if (!ending.ok()) {
    if (ReasonOf(ending.status()) == "FENCED") owner.GiveUp(ending.status());
    co_return;
  }
  // A turn that never began is committed under the epoch alone.
  if (run.fence.epoch() == 0) run.fence.set_epoch(owner.epoch());
  bool told = !ending->stored;
  if (!ending->stored) {
    auto stored =
        co_await CommitTurn(services, owner, *turn, run.fence, *std::move(ending), shutdown);
    if (!stored.ok()) {
      if (ReasonOf(stored.status()) == "FENCED") owner.GiveUp(stored.status());
      co_return;
    }
    PENSTOCK_FAILPOINT("dispatcher.after_commit");
    told = stored->ours;
    ending = Ending{std::move(stored->turn), true, true};
  }
  if (!told) turn->log().TellOtherRun(ending->turn.run(), run.now());
  owner.Settle(std::move(turn), std::move(ending->turn));
}

}  // namespace penstock::dispatcher
