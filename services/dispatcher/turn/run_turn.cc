#include "services/dispatcher/turn/run_turn.h"

#include <functional>
#include <random>
#include <utility>

#include "libs/async/sleep_or_stop.h"
#include "libs/base/failpoint.h"
#include "libs/base/proto_time.h"
#include "libs/base/refusal.h"
#include "services/dispatcher/turn/commit_turn.h"
#include "services/dispatcher/turn/ending.h"
#include "services/dispatcher/turn/generate_attempt.h"
#include "services/dispatcher/turn/prepare_turn.h"

#include "absl/strings/str_cat.h"

namespace penstock::dispatcher {
namespace {

using session::v1::Fence;

// One run and what its steps share.
struct Run {
  const TurnServices& services;
  TurnOwner& owner;
  const std::shared_ptr<LiveTurn> turn;
  const Remains remains;
  Fence fence;
  absl::Time now() const { return services.clock.Now(); }
};

double Jitter() {
  thread_local std::minstd_rand generator{std::random_device{}()};
  return std::uniform_real_distribution<double>(0, 1)(generator);
}

std::shared_ptr<WaitingTurn> EnterLine(const Run& run, Arbiter& pool) {
  const v1::Submitted& submitted = run.turn->submitted();
  const absl::string_view user = run.turn->principal().key.bytes();
  std::shared_ptr<WaitingTurn> waiting =
      pool.Enter({.turn_class = submitted.turn_class(),
                  .tenant = submitted.tenant(),
                  .user = std::hash<std::string>{}(std::string(user)),
                  .seq = submitted.submit_number(),
                  .estimated_tokens = submitted.estimated_tokens()});
  run.turn->SetWaiting(waiting);
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

// Steps 4 and 5, with the only retry loop of the mesh.
Awaitable<Ending> Generate(const Run& run, WaitingTurn& waiting, const Prepared& prepared) {
  const Prompt& prompt = *prepared.prompt;
  LiveTurn& turn = *run.turn;
  AttemptHistory history;
  for (int32_t not_taken = 0;;) {
    auto permit =
        co_await waiting.Acquire(prompt.input_tokens, prompt.max_output_tokens, turn.stop_token());
    if (!permit.ok()) co_return Stopped(turn, /*begun=*/true, 0, run.now());
    PENSTOCK_FAILPOINT("dispatcher.before_started");
    TellStarted(run, prompt, prepared.recall_degraded);
    provider::v1::GenerateRequest request = prompt.request;
    request.set_turn(turn.name());
    request.set_attempt(history.attempts + 1);
    *request.mutable_deadline() = turn.submitted().deadline();
    AttemptOutcome outcome = co_await GenerateAttempt(run.services, turn, std::move(request));
    absl::Duration delay;
    switch (outcome.kind) {
      case AttemptOutcome::Kind::kFinished:
        PENSTOCK_FAILPOINT("dispatcher.after_generate");
        permit->Settle(outcome.finished.usage());
        run.services.metrics.attempts.Increment();
        run.services.tokens.Learn(prompt.request.model(), prompt.raw_input_tokens,
                                  outcome.finished.usage().input_tokens());
        co_return Succeeded(turn, std::move(outcome.finished), run.now());
      case AttemptOutcome::Kind::kStopped:
        permit->Settle({});
        co_return Stopped(turn, /*begun=*/true, prompt.input_tokens, run.now());
      case AttemptOutcome::Kind::kNotTaken:
        run.services.metrics.not_taken.Increment();
        delay = PeerBackoff(not_taken++);
        break;
      case AttemptOutcome::Kind::kFailed: {
        permit->Settle(outcome.failed.usage());
        run.services.metrics.attempts.Increment();
        const absl::Duration now = run.services.clock.Monotonic();
        if (outcome.failed.kind() == chat::v1::PROVIDER_RATE_LIMITED) {
          ++history.rate_limited;
        } else if (++history.attempts == 1) {
          run.services.retries.CountFirstAttempt(now);
        }
        if (outcome.failed.kind() == chat::v1::MALFORMED_RESPONSE) ++history.malformed;
        const auto retry = DelayBeforeRetry(outcome.failed, history,
                                            run.services.config.turn().max_attempts(), Jitter());
        if (outcome.any_delta || !retry || !run.services.retries.TakeRetry(now)) {
          co_return Failed(turn, outcome.failed, run.now());
        }
        run.services.metrics.repeated_attempts.Increment();
        delay = *retry;
      }
    }
    {
      const auto given_back = *std::move(permit);
    }
    if (!co_await SleepOrStop(run.services.timers, delay, turn.stop_token())) {
      co_return Stopped(turn, /*begun=*/true, 0, run.now());
    }
  }
}

// A generation that an earlier life finished: only its commit is missing.
Awaitable<Ending> CommitEarlier(Run& run) {
  run.fence = run.owner.Claim(*run.turn);
  auto begun = co_await BeginTurn(run.services, *run.turn, run.fence, run.turn->stop_token());
  if (!begun.ok()) co_return Stopped(*run.turn, /*begun=*/false, 0, run.now());
  if (begun->has_ended()) co_return Ending{*std::move(begun)->mutable_ended(), true, true};
  const v1::Generated& generated = *run.remains.generated;
  run.turn->MarkStarted(generated.model(), {}, false);
  provider::v1::GenerateFinished finished;
  *finished.mutable_message() = generated.message();
  finished.set_finish_reason(generated.finish_reason());
  *finished.mutable_usage() = generated.usage();
  if (generated.has_cost_nano_usd()) finished.set_cost_nano_usd(generated.cost_nano_usd());
  co_return Succeeded(*run.turn, std::move(finished), run.now());
}

// Steps 3 to 5: how the turn is to end, or the refusal of a begin by a newer owner's fence.
Awaitable<absl::StatusOr<Ending>> Produce(Run& run) {
  LiveTurn& turn = *run.turn;
  if (!co_await turn.HeadsSession()) co_return Stopped(turn, /*begun=*/false, 0, run.now());
  if (run.remains.wait_for_watcher && !co_await turn.Watched()) {
    co_return Stopped(turn, /*begun=*/false, 0, run.now());
  }
  if (run.remains.generated) co_return co_await CommitEarlier(run);
  if (run.remains.starts >= run.services.config.turn().max_starts()) {
    co_return Refused(turn, /*begun=*/false, chat::v1::DEAD_LETTER,
                      absl::StrCat("the turn was started ", run.remains.starts,
                                   " times without an end; it is not tried again"),
                      run.now());
  }
  const auto agent = run.services.agents.Resolve(turn.submitted().agent(), turn.submitted().spec());
  if (!agent.ok()) {
    co_return Refused(turn, /*begun=*/false, chat::v1::INVALID_REQUEST, agent.status().message(),
                      run.now());
  }
  const auto waiting = EnterLine(run, *run.services.pools.at(agent->model->name()));
  const absl::Status in_window = co_await waiting->InWindow(turn.stop_token());
  if (!in_window.ok()) co_return Stopped(turn, /*begun=*/false, 0, run.now());

  run.fence = run.owner.Claim(turn);
  auto prepared = co_await PrepareTurn(run.services, turn, run.fence);
  if (!prepared.ok()) {
    if (ReasonOf(prepared.status()) == "FENCED") co_return prepared.status();
    if (turn.stop_token().stop_requested()) co_return Stopped(turn, false, 0, run.now());
    co_return Refused(turn, /*begun=*/false, chat::v1::INVALID_REQUEST, prepared.status().message(),
                      run.now());
  }
  if (prepared->ended) co_return Ending{*std::move(prepared->ended), true, true};
  if (!prepared->prompt.ok()) {
    co_return Refused(turn, /*begun=*/true, chat::v1::CONTEXT_WINDOW,
                      prepared->prompt.status().message(), run.now());
  }
  co_return co_await Generate(run, *waiting, *prepared);
}

}  // namespace

Awaitable<void> RunTurn(const TurnServices& services, TurnOwner& owner,
                        std::shared_ptr<LiveTurn> turn, Remains remains, std::stop_token shutdown) {
  Run run{services, owner, turn, std::move(remains), {}};
  absl::StatusOr<Ending> ending = co_await Produce(run);
  turn->SetWaiting(nullptr);
  if (turn->stop_reason() == StopReason::kOwnerMoved) co_return;
  if (!ending.ok()) co_return owner.GiveUp(ending.status());
  // A turn that never began is committed under the epoch alone.
  if (run.fence.epoch() == 0) run.fence.set_epoch(owner.epoch());
  if (!ending->stored) {
    auto stored =
        co_await CommitTurn(services, owner, *turn, run.fence, *std::move(ending), shutdown);
    if (!stored.ok()) {
      if (ReasonOf(stored.status()) == "FENCED") owner.GiveUp(stored.status());
      co_return;
    }
    PENSTOCK_FAILPOINT("dispatcher.after_commit");
    ending = Ending{*std::move(stored), true, true};
  }
  owner.Settle(std::move(turn), std::move(ending->turn));
}

}  // namespace penstock::dispatcher
