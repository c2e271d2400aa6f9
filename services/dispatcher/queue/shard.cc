#include "services/dispatcher/queue/shard.h"

#include <algorithm>
#include <utility>

#include "libs/async/sleep_or_stop.h"
#include "libs/async/status_macros.h"
#include "libs/base/failpoint.h"
#include "libs/base/ids.h"
#include "libs/base/log.h"
#include "libs/base/proto_time.h"
#include "libs/base/refusal.h"
#include "services/dispatcher/admission/expected_amount.h"
#include "services/dispatcher/admission/refusals.h"
#include "services/dispatcher/queue/submitter.h"
#include "services/dispatcher/turn/retry_policy.h"

#include "absl/strings/str_cat.h"

namespace penstock::dispatcher {
namespace {

absl::Status OwnerMoved() {
  return Refusal(absl::StatusCode::kUnavailable, "OWNER_MOVED",
                 "another dispatcher owns this user's turns now; send the same request again")
      .RetryAfter(absl::Seconds(1));
}

absl::Status SessionBusy(const SessionEntry& entry, const LiveTurn& active) {
  return Refusal(absl::StatusCode::kAborted, "SESSION_BUSY",
                 absl::StrCat(SessionName(entry.key.second), ": ", active.name(),
                              " has not ended; wait for it, or submit with another on_conflict"))
      .With("active_turn", active.name())
      .RetryAfter(absl::Seconds(1));
}

bool MayBeFirst(const v1::Submitted& submitted) {
  return submitted.turn_class() == chat::v1::CLASS_PAID ||
         submitted.turn_class() == chat::v1::CLASS_FREE;
}

}  // namespace

Shard::Shard(Context context, int64_t epoch)
    : context_(std::move(context)),
      epoch_(epoch),
      retained_(FromProto(context_.services.config.turn().event_retention()),
                context_.services.config.turn().event_retention_bytes()),
      sessions_(static_cast<size_t>(
          std::max(1, context_.services.config.session().resolve_cache_entries() /
                          context_.services.config.journal().shards()))) {}

LiveTurn::Timing Shard::Timing() const {
  return {.disconnect_grace = FromProto(context_.services.config.turn().disconnect_grace()),
          .clock = context_.services.clock,
          .timers = context_.services.timers};
}

void Shard::TakeUp(UnfinishedTurn unfinished) {
  const int32_t starts = unfinished.started ? unfinished.started->starts() : 0;
  if (starts > 0) context_.services.metrics.reruns.Increment();
  Remains remains{.started = std::move(unfinished.started),
                  .generated = std::move(unfinished.generated),
                  .tool_results = std::move(unfinished.tool_results)};
  const SessionKey key(unfinished.user, unfinished.submitted.session_id());
  auto turn = LiveTurn::Create(SubmitterOf(unfinished.submitted), std::move(unfinished.submitted),
                               epoch_, starts, Timing());
  remains.wait_for_watcher = turn->StopsWhenUnwatched();
  TakeUpHolds(*turn);
  bool heads = false;
  {
    MutexLock lock(mutex_);
    SessionEntry& entry = *sessions_.Get(key);
    entry.exists = true;
    entry.last_sequence = std::max(entry.last_sequence, turn->submitted().sequence());
    live_.emplace(TurnKey(key.first, turn->submitted().turn_id()), turn);
    entry.line.Add(turn);
    heads = entry.line.turns().front() == turn;
  }
  chat::v1::TurnEvent event;
  event.mutable_accepted()->set_turn(turn->name());
  event.mutable_accepted()->set_session(SessionName(turn->submitted().session_id()));
  turn->log().Append(std::move(event), FromProto(turn->submitted().create_time()));
  context_.services.metrics.live.Increment();
  turn->Arm(/*watched=*/false, /*may_await_tools=*/heads || starts > 0);
  if (unfinished.cancel_requested) {
    turn->RequestCancel(unfinished.cancel_requested->discard_output());
  }
  Start(std::move(turn), std::move(remains));
}

void Shard::TakeUpHolds(LiveTurn& turn) {
  const v1::Submitted& submitted = turn.submitted();
  if (submitted.has_reserved()) {
    context_.accounts.Reserve(PayerOf(turn.principal()), AmountOf(submitted.reserved()));
  }
  HeldBytes::Part bytes = context_.held.TakeAgain({.tenant = submitted.tenant(),
                                                   .turn_class = submitted.turn_class(),
                                                   .bytes = BytesOf(submitted.spec())});
  Depth::Place place;
  const auto agent = context_.services.agents.Resolve(submitted.agent(), submitted.spec());
  if (agent.ok()) {
    const Amount expected = ExpectedAmount(context_.services.forecast, *agent, submitted.spec());
    place = context_.depths.at(agent->model->name())
                ->JoinAgain({.tenant = submitted.tenant(),
                             .turn_class = submitted.turn_class(),
                             .tokens = expected.tokens});
  }
  turn.Hold(std::move(place), std::move(bytes));
}

absl::Status Shard::CheckOwned() const {
  MutexLock lock(mutex_);
  return given_up_ ? OwnerMoved() : absl::OkStatus();
}

absl::StatusOr<Shard::Enlisted> Shard::Enlist(SessionEntry& entry, identity::Principal principal,
                                              v1::Submitted submitted) {
  MutexLock lock(mutex_);
  if (given_up_) return OwnerMoved();
  const chat::v1::OnConflict on_conflict = submitted.spec().on_conflict();
  if (on_conflict == chat::v1::REJECT && !entry.line.empty()) {
    return SessionBusy(entry, *entry.line.turns().front());
  }
  const int32_t max_queued = context_.services.config.session().max_queued();
  if (entry.line.size() >= static_cast<size_t>(max_queued)) {
    return SessionQueueFull(
        {.message =
             absl::StrCat(SessionName(entry.key.second), ": ", entry.line.size(),
                          " turns wait or run, allowed ", max_queued, "; wait until one has ended"),
         .limit = absl::StrCat(max_queued),
         .turn_class = submitted.turn_class(),
         .eta = absl::Seconds(1)});
  }
  submitted.set_sequence(++entry.last_sequence);
  const TurnKey key(entry.key.first, submitted.turn_id());
  auto turn = LiveTurn::Create(std::move(principal), std::move(submitted), epoch_,
                               /*earlier_starts=*/std::nullopt, Timing());
  live_.emplace(key, turn);
  std::shared_ptr<LiveTurn> interrupted;
  if (on_conflict == chat::v1::INTERRUPT && !entry.line.empty()) {
    interrupted = entry.line.turns().front();
  }
  entry.line.Add(turn);
  return Enlisted{std::move(turn), std::move(interrupted)};
}

Awaitable<absl::StatusOr<std::shared_ptr<LiveTurn>>> Shard::Accept(
    std::shared_ptr<SessionEntry> entry, identity::Principal principal, v1::Submitted submitted,
    Holds holds, bool watched) {
  const identity::UserKey user = principal.key;
  const absl::Time accepted = FromProto(submitted.create_time());
  if (MayBeFirst(submitted) && !HadTurns(*entry)) {
    PENSTOCK_CO_RETURN_IF_ERROR(
        co_await context_.accounts.Load(context_.journal, PayerOf(principal)));
    if (holds.first && holds.claim.TakeFirst(accepted)) {
      submitted.set_turn_class(chat::v1::CLASS_FIRST);
    } else {
      context_.services.metrics.firsts_demoted.Increment();
    }
  }
  PENSTOCK_CO_ASSIGN_OR_RETURN(const auto enlisted,
                               Enlist(*entry, std::move(principal), std::move(submitted)));
  const auto& turn = enlisted.turn;
  turn->Hold(std::move(holds.place), std::move(holds.bytes));
  WithSubmitted also;
  if (holds.claim.counts()) {
    also.counters = [&claim = holds.claim, accepted] { return claim.Book(accepted); };
  }
  if (enlisted.interrupted != nullptr) {
    also.interrupted_turn = enlisted.interrupted->submitted().turn_id();
    *also.interruption.mutable_time() = turn->submitted().create_time();
  }
  const absl::Status journaled =
      co_await context_.journal.AppendSubmitted(user, turn->submitted(), std::move(also));
  if (!journaled.ok() && !co_await WasJournaled(*turn)) {
    Delist(*turn);
    co_return journaled;
  }
  holds.claim.Keep();
  if (turn->submitted().turn_class() == chat::v1::CLASS_FIRST) holds.first.Keep();
  if (enlisted.interrupted != nullptr) {
    enlisted.interrupted->RequestCancel(/*discard_output=*/false);
  }
  context_.services.metrics.accepted.Increment();
  context_.services.metrics.live.Increment();
  const chat::v1::Queue place = PlaceOf(*turn);
  turn->TellPlace(place);
  chat::v1::TurnEvent event;
  event.mutable_accepted()->set_turn(turn->name());
  event.mutable_accepted()->set_session(SessionName(turn->submitted().session_id()));
  *event.mutable_accepted()->mutable_queue() = place;
  turn->log().Append(std::move(event), FromProto(turn->submitted().create_time()));
  turn->Arm(watched);
  Start(turn, std::nullopt);
  co_return turn;
}

Awaitable<bool> Shard::WasJournaled(const LiveTurn& turn) {
  const v1::Submitted& submitted = turn.submitted();
  for (int32_t failures = 0; !submitted.request_id().empty(); ++failures) {
    const auto row = co_await context_.journal.LookupRequestId(
        turn.principal().key, submitted.request_id(), context_.services.clock.Now());
    if (row.ok()) co_return row->has_value() && (*row)->turn_id() == submitted.turn_id();
    if (!co_await SleepOrStop(context_.services.timers, PeerBackoff(failures), context_.shutdown)) {
      break;
    }
  }
  co_return false;
}

void Shard::Start(std::shared_ptr<LiveTurn> turn, std::optional<Remains> remains) {
  Spawn(context_.services.executor,
        [](LiveCount::Holder, const TurnServices& services, TurnOwner& owner,
           std::shared_ptr<LiveTurn> started, std::optional<Remains> left,
           std::stop_token shutdown) -> Awaitable<void> {
          co_await RunTurn(services, owner, std::move(started), std::move(left),
                           std::move(shutdown));
        }(context_.running.Hold(), context_.services, *this, std::move(turn), std::move(remains),
                                     context_.shutdown));
}

void Shard::Delist(const LiveTurn& turn) {
  MutexLock lock(mutex_);
  const SessionKey key(turn.principal().key, turn.submitted().session_id());
  live_.erase(TurnKey(key.first, turn.submitted().turn_id()));
  if (const auto entry = sessions_.Find(key)) entry->line.Remove(turn);
}

session::v1::Fence Shard::NextFence() {
  session::v1::Fence fence;
  fence.set_epoch(epoch_);
  MutexLock lock(mutex_);
  fence.set_start(++starts_);
  return fence;
}

chat::v1::TurnClass Shard::ClassOf(const LiveTurn& turn) const {
  const SessionKey key(turn.principal().key, turn.submitted().session_id());
  MutexLock lock(mutex_);
  const auto entry = sessions_.Find(key);
  return entry == nullptr || entry->line.empty() ? turn.submitted().turn_class()
                                                 : entry->line.HighestClass();
}

void Shard::RecordStart(LiveTurn& turn, session::v1::Fence fence, int32_t step,
                        int32_t step_starts) {
  v1::Started started;
  started.set_starts(turn.run());
  started.set_epoch(fence.epoch());
  started.set_start(fence.start());
  started.set_step(step);
  started.set_step_starts(step_starts);
  // Not awaited: what a crash loses of it is only the count.
  Spawn(context_.services.executor,
        [](LiveCount::Holder, Journal& journal, identity::UserKey user, std::string turn_id,
           v1::Started record) -> Awaitable<void> {
          const absl::Status appended =
              co_await journal.AppendStarted(user, std::move(turn_id), std::move(record));
          if (!appended.ok()) {
            Log(Severity::kWarning, "the start of a turn is not journaled",
                {{"status", appended.message()}});
          }
        }(context_.running.Hold(), context_.journal, turn.principal().key,
                               turn.submitted().turn_id(), std::move(started)));
}

Awaitable<absl::Status> Shard::KeepGenerated(LiveTurn& turn, v1::Generated generated) {
  return context_.journal.AppendGenerated(turn.principal().key, turn.submitted().turn_id(),
                                          std::move(generated));
}

Awaitable<absl::Status> Shard::Cancel(std::shared_ptr<LiveTurn> turn, bool discard_output) {
  v1::CancelRequested cancel;
  cancel.set_discard_output(discard_output);
  *cancel.mutable_time() = ToProto(context_.services.clock.Now());
  if (!PENSTOCK_PLANTED_BUG("planted.cancel_unjournaled")) {
    PENSTOCK_CO_RETURN_IF_ERROR(co_await context_.journal.AppendCancelRequested(
        turn->principal().key, turn->submitted().turn_id(), std::move(cancel)));
  }
  turn->RequestCancel(discard_output);
  co_return absl::OkStatus();
}

}  // namespace penstock::dispatcher
