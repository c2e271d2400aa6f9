#include "services/dispatcher/turn/generate_step.h"

#include <functional>
#include <utility>

#include "libs/async/sleep_or_stop.h"
#include "libs/base/failpoint.h"
#include "libs/base/proto_time.h"
#include "libs/base/refusal.h"
#include "libs/pricing/price.h"
#include "services/dispatcher/turn/answer.h"
#include "services/dispatcher/turn/generate_attempt.h"
#include "services/dispatcher/turn/prepare_turn.h"

#include "absl/strings/str_cat.h"

namespace penstock::dispatcher {
namespace {

std::shared_ptr<WaitingTurn> EnterLine(const Run& run, Arbiter& pool) {
  const v1::Submitted& submitted = run.turn->submitted();
  TurnInLine in_line =
      TurnInLineOf(submitted.turn_class(), submitted.tenant(), run.turn->principal().key);
  in_line.seq = submitted.submit_number();
  in_line.estimated_tokens = submitted.estimated_tokens();
  std::shared_ptr<WaitingTurn> waiting = pool.Enter(std::move(in_line));
  run.turn->SetWaiting(waiting);
  // What waits behind it may have come before it had a place to be raised.
  waiting->SetClass(run.owner.ClassOf(*run.turn));
  return waiting;
}

void TellStarted(const Run& run, const Prompt& prompt, bool degraded) {
  if (!run.turn->MarkStarted(prompt.request.model(), prompt.memories, degraded)) return;
  const v1::Submitted& submitted = run.turn->submitted();
  run.services.metrics.ObserveWait(submitted.turn_class(),
                                   run.now() - FromProto(submitted.create_time()));
  chat::v1::TurnEvent event;
  auto* started = event.mutable_started();
  started->set_run(run.turn->run());
  started->set_model(prompt.request.model());
  for (const auto& memory : prompt.memories) started->add_recalled_memories(memory);
  run.turn->log().Append(std::move(event), run.now());
}

// What an attempt took is part of the turn's bill, however it ended.
template <class End>
void Bill(LiveTurn& turn, const End& end) {
  turn.Spend(end.usage(),
             end.has_cost_nano_usd() ? std::optional(end.cost_nano_usd()) : std::nullopt);
}

// What a call took that was cut before the provider could report it.
void BillEstimated(const Run& run, const Prompt& prompt) {
  LiveTurn& turn = *run.turn;
  chat::v1::Usage usage;
  usage.set_input_tokens(prompt.input_tokens);
  usage.set_output_tokens((BytesOf(turn.log().TextOf(turn.step())) + 3) / 4);
  usage.set_estimated(true);
  std::optional<pricing::Rates> rates;
  const auto agent = run.services.agents.Resolve(turn.submitted().agent(), turn.submitted().spec());
  if (agent.ok() && agent->model->has_price()) rates = pricing::ToRates(agent->model->price());
  turn.Spend(usage, pricing::CostNanoUsd(rates, usage));
}

Progress Ends(Ending ending) { return {.ending = std::move(ending), .asks = std::nullopt}; }

// The model's whole answer: the end of the turn, or a step that asks for tools.
Progress Finish(const Run& run, const Prepared& prepared, provider::v1::GenerateFinished finished) {
  LiveTurn& turn = *run.turn;
  Bill(turn, finished);
  run.services.metrics.attempts.Increment();
  run.services.tokens.Learn(prepared.prompt->request.model(), prepared.prompt->raw_input_tokens,
                            finished.usage().input_tokens());
  const Steps before = turn.steps();
  const AnswerRules rules{.tools_offered = prepared.prompt->request.tools_size() > 0,
                          .at_limit = prepared.at_tool_limit,
                          .max_output_bytes = run.services.config.turn().max_output_bytes()};
  if (!AsksForTools(finished, before, rules)) {
    if (finished.finish_reason() == chat::v1::TOOL_LIMIT) {
      run.services.metrics.tool_limits.Increment();
    }
    return Ends(Succeeded(turn, std::move(finished), run.now()));
  }
  chat::v1::Step step = before.Current(std::move(*finished.mutable_message()));
  step.set_model(prepared.prompt->request.model());
  *step.mutable_time() = ToProto(run.now());
  step.set_index(turn.log().Reserve());
  return {.ending = std::nullopt, .asks = std::move(step)};
}

CallSize SizeOf(const Prompt& prompt) {
  return {.input_tokens = prompt.input_tokens, .output_tokens = prompt.max_output_tokens};
}

// The provider said "too many requests" before the caller saw anything: the lane's pause is the
// only delay.
bool GoesBackInLine(const Run& run, const AttemptOutcome& outcome, int32_t& returns,
                    Permit& permit) {
  const provider::v1::GenerateFailed& failed = outcome.failed;
  if (failed.kind() != chat::v1::PROVIDER_RATE_LIMITED) return false;
  run.services.metrics.rate_limited.Increment();
  permit.Refused(
      failed.has_retry_after() ? std::optional(FromProto(failed.retry_after())) : std::nullopt,
      failed.limits());
  return !outcome.any_delta && ++returns <= kMaxReturns;
}

// Steps 4 and 5, with the only retry loop of the mesh.
Awaitable<Progress> Generate(const Run& run, WaitingTurn& waiting, const Prepared& prepared) {
  const Prompt& prompt = *prepared.prompt;
  LiveTurn& turn = *run.turn;
  AttemptHistory history;
  int32_t not_taken = 0;
  int32_t returns = 0;
  while (true) {
    auto permit = co_await waiting.Acquire(SizeOf(prompt), turn.stop_token());
    if (!permit.ok()) co_return Ends(Stopped(turn, /*begun=*/true, run.now()));
    PENSTOCK_FAILPOINT("dispatcher.before_started");
    TellStarted(run, prompt, prepared.recall_degraded);
    provider::v1::GenerateRequest request = prompt.request;
    request.set_turn(turn.name());
    request.set_attempt(history.attempts + 1);
    *request.mutable_deadline() = turn.submitted().deadline();
    AttemptOutcome outcome =
        co_await GenerateAttempt(run.services, turn, std::move(request), *permit);
    absl::Duration delay;
    switch (outcome.kind) {
      case AttemptOutcome::Kind::kFinished:
        PENSTOCK_FAILPOINT("dispatcher.after_generate");
        permit->Settle(outcome.finished.usage());
        co_return Finish(run, prepared, std::move(outcome.finished));
      case AttemptOutcome::Kind::kStopped:
        permit->Settle({});
        BillEstimated(run, prompt);
        co_return Ends(Stopped(turn, /*begun=*/true, run.now()));
      case AttemptOutcome::Kind::kNotTaken:
        run.services.metrics.not_taken.Increment();
        delay = PeerBackoff(not_taken++);
        break;
      case AttemptOutcome::Kind::kFailed: {
        if (GoesBackInLine(run, outcome, returns, *permit)) continue;
        if (outcome.failed.kind() == chat::v1::PROVIDER_OVERLOADED) permit->Overloaded();
        permit->Settle(outcome.failed.usage());
        Bill(turn, outcome.failed);
        run.services.metrics.attempts.Increment();
        const absl::Duration now = run.services.clock.Monotonic();
        if (++history.attempts == 1) run.services.retries.CountFirstAttempt(now);
        if (outcome.failed.kind() == chat::v1::MALFORMED_RESPONSE) ++history.malformed;
        const auto retry =
            DelayBeforeRetry(outcome.failed, history, run.services.config.turn().max_attempts(),
                             run.services.random.Fraction());
        if (outcome.any_delta || !retry || !run.services.retries.TakeRetry(now)) {
          co_return Ends(Failed(turn, outcome.failed, run.now()));
        }
        run.services.metrics.repeated_attempts.Increment();
        delay = *retry;
      }
    }
    {
      const auto given_back = *std::move(permit);
    }
    if (!co_await SleepOrStop(run.services.timers, delay, turn.stop_token())) {
      co_return Ends(Stopped(turn, /*begun=*/true, run.now()));
    }
  }
}

// The turn's fence, given once a run, and the record of its start at this step.
void Claim(Run& run) {
  const int32_t step = run.turn->step();
  if (run.fence.epoch() == 0) run.fence = run.owner.NextFence();
  const int32_t before = run.remains ? run.remains->StartsAt(step) : 0;
  run.owner.RecordStart(*run.turn, run.fence, step, before + 1);
}

Awaitable<absl::StatusOr<Progress>> InLine(Run& run, const Arbiter& pool, WaitingTurn& waiting) {
  LiveTurn& turn = *run.turn;
  const absl::Status in_window = co_await waiting.InWindow(turn.stop_token());
  if (!in_window.ok()) co_return Ends(Stopped(turn, run.begun, run.now()));
  Claim(run);
  auto prepared = co_await PrepareTurn(run.services, turn, run.fence);
  if (!prepared.ok()) {
    if (ReasonOf(prepared.status()) == "FENCED") co_return prepared.status();
    if (turn.stop_token().stop_requested()) {
      co_return Ends(Stopped(turn, run.begun, run.now()));
    }
    co_return Ends(Refused(turn, run.begun, chat::v1::INVALID_REQUEST, prepared.status().message(),
                           run.now()));
  }
  run.begun = true;
  if (prepared->ended) co_return Ends(Ending{*std::move(prepared->ended), true, true});
  if (!prepared->prompt.ok()) {
    co_return Ends(Refused(turn, /*begun=*/true, chat::v1::CONTEXT_WINDOW,
                           prepared->prompt.status().message(), run.now()));
  }
  if (const absl::Status possible = pool.CheckPossible(SizeOf(*prepared->prompt)); !possible.ok()) {
    co_return Ends(
        Refused(turn, /*begun=*/true, chat::v1::IMPOSSIBLE_COST, possible.message(), run.now()));
  }
  co_return co_await Generate(run, waiting, *prepared);
}

}  // namespace

Awaitable<absl::StatusOr<Progress>> GenerateStep(Run& run) {
  LiveTurn& turn = *run.turn;
  const int32_t starts = run.remains ? run.remains->StartsAt(turn.step()) : 0;
  if (starts >= run.services.config.turn().max_starts()) {
    co_return Ends(Refused(turn, run.begun, chat::v1::DEAD_LETTER,
                           absl::StrCat("the turn was started ", starts,
                                        " times without an end; it is not tried again"),
                           run.now()));
  }
  const auto agent = run.services.agents.Resolve(turn.submitted().agent(), turn.submitted().spec());
  if (!agent.ok()) {
    co_return Ends(
        Refused(turn, run.begun, chat::v1::INVALID_REQUEST, agent.status().message(), run.now()));
  }
  Arbiter& pool = *run.services.pools.at(agent->model->name());
  const auto waiting = EnterLine(run, pool);
  auto progress = co_await InLine(run, pool, *waiting);
  turn.SetWaiting(nullptr);
  co_return progress;
}

}  // namespace penstock::dispatcher
