#include "services/dispatcher/turn/generate_step.h"

#include <utility>

#include "libs/base/refusal.h"
#include "services/dispatcher/turn/generate_on_model.h"
#include "services/dispatcher/turn/prepare_turn.h"

#include "absl/strings/str_cat.h"

namespace penstock::dispatcher {
namespace {

using provider::v1::GenerateFailed;

Tried DoesNotFit(chat::v1::ErrorKind kind, const absl::Status& why) {
  return {.progress = std::nullopt, .failed = Failure(kind, why.message()), .unfit = true};
}

std::shared_ptr<WaitingTurn> EnterLine(const Run& run, Arbiter& pool) {
  const v1::Submitted& submitted = run.turn->submitted();
  TurnInLine in_line =
      TurnInLineOf(submitted.turn_class(), submitted.tenant(), run.turn->principal().key);
  in_line.seq = submitted.submit_number();
  in_line.estimated_tokens = submitted.estimated_tokens();
  in_line.last_lane = run.turn->last_lane();
  std::shared_ptr<WaitingTurn> waiting = pool.Enter(std::move(in_line));
  run.turn->SetWaiting(waiting);
  // What waits behind it may have come before it had a place to be raised.
  waiting->SetClass(run.owner.ClassOf(*run.turn));
  return waiting;
}

// The turn's fence, given once a run, and the record of its start at this step.
void Claim(Run& run) {
  const int32_t step = run.turn->step();
  if (run.fence.epoch() == 0) run.fence = run.owner.NextFence();
  const int32_t before = run.remains ? run.remains->StartsAt(step) : 0;
  run.owner.RecordStart(*run.turn, run.fence, step, before + 1);
}

// Steps 3 to 5 on one model.
Awaitable<absl::StatusOr<Tried>> InLine(Run& run, Way& way, const Arbiter& pool,
                                        WaitingTurn& waiting) {
  LiveTurn& turn = *run.turn;
  const absl::Status in_window = co_await waiting.InWindow(turn.stop_token());
  if (!in_window.ok()) co_return GoesOn(Ends(Stopped(turn, run.begun, run.now())));
  if (!std::exchange(way.claimed, true)) Claim(run);
  auto prepared = co_await PrepareTurn(run.services, turn, way.chain.model(), run.fence);
  if (!prepared.ok()) {
    if (ReasonOf(prepared.status()) == "FENCED") co_return prepared.status();
    if (turn.stop_token().stop_requested()) {
      co_return GoesOn(Ends(Stopped(turn, run.begun, run.now())));
    }
    co_return GoesOn(Ends(Refused(turn, run.begun, chat::v1::INVALID_REQUEST,
                                  prepared.status().message(), run.now())));
  }
  run.begun = true;
  if (prepared->ended) co_return GoesOn(Ends(Ending{*std::move(prepared->ended), true, true}));
  if (!prepared->prompt.ok()) {
    co_return DoesNotFit(chat::v1::CONTEXT_WINDOW, prepared->prompt.status());
  }
  if (const absl::Status possible = pool.CheckPossible(SizeOf(*prepared->prompt)); !possible.ok()) {
    co_return DoesNotFit(chat::v1::IMPOSSIBLE_COST, possible);
  }
  co_return co_await GenerateOnModel(run, way, waiting, *prepared);
}

Arbiter& PoolOf(const Run& run, const Way& way) {
  return *run.services.pools.at(way.chain.model().name());
}

bool Move(const Run& run, Way& way, chat::v1::ErrorKind kind) {
  if (!way.chain.Move(kind)) return false;
  run.services.metrics.fallbacks.Increment();
  return true;
}

// Models that are left alone are not asked while another takes over.
void PassFailing(const Run& run, Way& way, std::optional<GenerateFailed>& failed) {
  while (const std::optional<Outage> outage = PoolOf(run, way).OutageNow()) {
    const std::string& model = way.chain.model().name();
    if (!Move(run, way, outage->kind)) return;
    failed = Failure(outage->kind, absl::StrCat("every provider of ", model, " has failed lately"));
  }
}

}  // namespace

Arbiter& PoolNow(const TurnServices& services, const config::v1::Model& model) {
  ModelChain chain(services.config, model);
  while (true) {
    Arbiter& pool = *services.pools.at(chain.model().name());
    const std::optional<Outage> outage = pool.OutageNow();
    if (!outage || !chain.Move(outage->kind)) return pool;
  }
}

Awaitable<absl::StatusOr<Progress>> GenerateStep(Run& run) {
  LiveTurn& turn = *run.turn;
  const int32_t starts = run.remains ? run.remains->StartsAt(turn.step()) : 0;
  if (starts >= run.services.config.turn().max_starts()) {
    run.services.metrics.dead_letters.Increment();
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
  Way way{.chain = ModelChain(run.services.config, *agent->model),
          .begun = run.services.clock.Monotonic()};
  // Of the last model that failed, rather than one that what is asked does not fit.
  std::optional<GenerateFailed> failed;
  while (true) {
    PassFailing(run, way, failed);
    Arbiter& pool = PoolOf(run, way);
    const auto waiting = EnterLine(run, pool);
    auto tried = co_await InLine(run, way, pool, *waiting);
    turn.SetWaiting(nullptr);
    if (!tried.ok()) co_return tried.status();
    if (tried->progress) co_return *std::move(tried->progress);
    if (!failed || !tried->unfit) failed = std::move(tried->failed);
    if (!Move(run, way, failed->kind())) co_return Ends(Failed(turn, *failed, run.now()));
  }
}

}  // namespace penstock::dispatcher
