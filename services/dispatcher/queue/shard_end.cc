// How turns leave a shard, and what it tells of those that are in it.

#include <algorithm>
#include <utility>
#include <vector>

#include "libs/async/status_macros.h"
#include "libs/base/failpoint.h"
#include "libs/base/ids.h"
#include "libs/base/log.h"
#include "libs/base/proto_time.h"
#include "libs/base/refusal.h"
#include "services/dispatcher/queue/shard.h"
#include "services/dispatcher/turn/generate_step.h"
#include "services/dispatcher/turn/stored_events.h"

namespace penstock::dispatcher {
namespace {

v1::UsageRow UsageOf(const LiveTurn& turn, const chat::v1::Turn& stored) {
  v1::UsageRow row;
  row.set_turn_id(turn.submitted().turn_id());
  row.set_agent(stored.agent());
  row.set_model(stored.model());
  row.set_state(stored.state());
  *row.mutable_usage() = stored.usage();
  if (stored.has_cost_nano_usd()) row.set_cost_nano_usd(stored.cost_nano_usd());
  *row.mutable_end_time() = stored.end_time();
  *row.mutable_labels() = stored.labels();
  turn.steps().AddTo(row);
  return row;
}

std::vector<v1::Job> JobsOf(const TurnServices& services, const LiveTurn& turn,
                            const chat::v1::Turn& stored) {
  const v1::Submitted& submitted = turn.submitted();
  const auto agent = services.agents.Resolve(submitted.agent(), submitted.spec());
  if (stored.state() != chat::v1::Turn::SUCCEEDED || !agent.ok() || !agent->remember) return {};
  v1::Job job;
  job.set_kind(v1::Job::INGEST);
  job.set_tenant(submitted.tenant());
  job.set_user(submitted.user());
  job.set_session_id(submitted.session_id());
  job.set_turn_id(submitted.turn_id());
  *job.mutable_create_time() = stored.end_time();
  return {std::move(job)};
}

// Turns in the order of their acceptance: who came first is told first.
void Sort(std::vector<std::shared_ptr<LiveTurn>>& turns) {
  std::sort(turns.begin(), turns.end(), [](const auto& a, const auto& b) {
    return a->submitted().submit_number() < b->submitted().submit_number();
  });
}

// Of a turn with `before` others of its session before it, `head` (or null) the first of them: the
// head's place, then the end of each of these and a start more.
chat::v1::Queue Place(const Arbiter& pool, const TurnInLine& turn, const LiveTurn* head,
                      int64_t before) {
  const PlaceInLine next = pool.PlaceOfNext(turn);
  const auto waiting = head == nullptr ? nullptr : head->waiting();
  PlaceInLine place = waiting == nullptr ? next : waiting->Place();
  if (place.position == 0) place = next;
  chat::v1::Queue queue;
  queue.set_turn_class(turn.turn_class);
  queue.set_position(place.position + before);
  const Eta ends = pool.Serial(before);
  *queue.mutable_eta_p50() = ToProto(place.eta.p50 + next.eta.p50 * before + ends.p50);
  *queue.mutable_eta_p90() = ToProto(place.eta.p90 + next.eta.p90 * before + ends.p90);
  return queue;
}

}  // namespace

void Shard::Settle(std::shared_ptr<LiveTurn> turn, chat::v1::Turn stored) {
  const absl::Time now = context_.services.clock.Now();
  const TurnKey key(turn->principal().key, turn->submitted().turn_id());
  retained_.Keep(key, turn->shared_log(),
                 turn->log().memory_bytes() + static_cast<int64_t>(stored.ByteSizeLong()),
                 context_.services.clock.Monotonic());
  Delist(*turn);
  for (auto& step : StepEvents(stored, turn->step())) turn->log().Append(std::move(step), now);
  chat::v1::TurnEvent finished;
  *finished.mutable_finished()->mutable_turn() = stored;
  turn->log().Append(std::move(finished), now);
  context_.services.metrics.live.Decrement();
  context_.services.metrics.CountEnd(stored.state(),
                                     now - FromProto(turn->submitted().create_time()));
  if (stored.state() == chat::v1::Turn::SUCCEEDED) {
    context_.services.forecast.LearnTurn(stored.agent(), stored.model(), AmountOf(stored));
  }
  std::vector<v1::Job> jobs = JobsOf(context_.services, *turn, stored);
  Spawn(context_.services.executor,
        JournalSettled(std::move(turn), std::move(stored), std::move(jobs)));
}

Awaitable<void> Shard::JournalSettled(std::shared_ptr<LiveTurn> turn, chat::v1::Turn stored,
                                      std::vector<v1::Job> jobs) {
  const auto hold = context_.running.Hold();
  const identity::UserKey user = turn->principal().key;
  if (PENSTOCK_PLANTED_BUG("planted.settle_skipped")) co_return;
  const absl::Status settled = co_await SettleInJournal(*turn, stored, jobs);
  if (!settled.ok()) {
    // The turn stays unfinished in the journal: after a restart BeginTurn finds it ended.
    Log(Severity::kWarning, "a turn's settlement is not journaled",
        {{"turn", turn->name()}, {"status", settled.message()}});
    co_return;
  }
  for (v1::Job& job : jobs) context_.jobs.Add({user, std::move(job)}, stored);
}

Awaitable<absl::Status> Shard::SettleInJournal(const LiveTurn& turn, const chat::v1::Turn& stored,
                                               std::vector<v1::Job> jobs) {
  const absl::Time expires = context_.services.clock.Now() +
                             FromProto(context_.services.config.journal().request_id_ttl());
  const Payer payer = PayerOf(turn.principal());
  const Amount reserved = AmountOf(turn.submitted().reserved());
  const Amount took = AmountOf(stored);
  const absl::Time ended = FromProto(stored.end_time());
  bool booked = false;
  Counting counters;
  if (turn.submitted().has_reserved()) {
    PENSTOCK_CO_RETURN_IF_ERROR(co_await context_.accounts.Load(context_.journal, payer));
    counters = [&] {
      booked = true;
      return context_.accounts.Settle(payer, reserved, took, ended);
    };
  }
  absl::Status settled = co_await context_.journal.Settle(
      payer.user, turn.submitted(), turn.steps().answers(), UsageOf(turn, stored), std::move(jobs),
      expires, std::move(counters));
  if (!settled.ok() && booked && !co_await WasSettled(turn)) {
    context_.accounts.Unsettle(payer, reserved, took, ended);
  }
  co_return settled;
}

Awaitable<bool> Shard::WasSettled(const LiveTurn& turn) {
  const auto row =
      co_await context_.journal.LoadUsage(turn.principal().key, turn.submitted().turn_id());
  co_return row.ok() && row->has_value();
}

void Shard::GiveUp(const absl::Status& fenced) {
  {
    MutexLock lock(mutex_);
    if (std::exchange(given_up_, true)) return;
  }
  context_.services.metrics.fenced.Increment();
  Log(Severity::kError,
      "a newer dispatcher owns a shard of this one; its turns are left to it and no more are "
      "accepted",
      {{"status", fenced.message()}});
  StopAll(Refusal(absl::StatusCode::kUnavailable, "OWNER_MOVED",
                  "another dispatcher runs this turn now; watch it again")
              .RetryAfter(absl::Seconds(1)));
}

std::vector<std::shared_ptr<LiveTurn>> Shard::AllLive() const {
  std::vector<std::shared_ptr<LiveTurn>> turns;
  MutexLock lock(mutex_);
  turns.reserve(live_.size());
  for (const auto& [key, turn] : live_) turns.push_back(turn);
  return turns;
}

void Shard::StopAll(const absl::Status& why) {
  auto turns = AllLive();
  Sort(turns);
  for (const auto& turn : turns) {
    turn->Stop(StopReason::kOwnerMoved);
    turn->log().Fail(why);
  }
}

std::shared_ptr<LiveTurn> Shard::FindTurn(const TurnKey& key) const {
  MutexLock lock(mutex_);
  const auto found = live_.find(key);
  return found == live_.end() ? nullptr : found->second;
}

std::shared_ptr<EventLog> Shard::FindLog(const TurnKey& key) const {
  if (const auto turn = FindTurn(key)) return turn->shared_log();
  return retained_.Find(key);
}

std::vector<std::shared_ptr<LiveTurn>> Shard::TurnsOf(const identity::UserKey& user,
                                                      absl::string_view session_id) const {
  std::vector<std::shared_ptr<LiveTurn>> turns;
  MutexLock lock(mutex_);
  if (session_id != "-") {
    if (const auto entry = sessions_.Find(SessionKey(user, std::string(session_id)))) {
      turns.assign(entry->line.turns().begin(), entry->line.turns().end());
    }
    return turns;
  }
  for (const auto& [key, turn] : live_) {
    if (key.first == user) turns.push_back(turn);
  }
  return turns;
}

void Shard::ForgetSession(const SessionKey& key) {
  MutexLock lock(mutex_);
  sessions_.Forget(key);
}

chat::v1::Queue Shard::PlaceOf(const LiveTurn& turn) const {
  const v1::Submitted& submitted = turn.submitted();
  std::shared_ptr<LiveTurn> head;
  int64_t before = 0;
  {
    MutexLock lock(mutex_);
    const auto entry = sessions_.Find(SessionKey(turn.principal().key, submitted.session_id()));
    if (entry != nullptr && !entry->line.empty()) {
      head = entry->line.turns().front();
      before = entry->line.Before(turn);
    }
  }
  const auto agent = context_.services.agents.Resolve(submitted.agent(), submitted.spec());
  if (agent.ok()) {
    const Arbiter& pool = PoolNow(context_.services, *agent->model);
    return Place(pool,
                 TurnInLineOf(submitted.turn_class(), submitted.tenant(), turn.principal().key),
                 head.get(), before);
  }
  chat::v1::Queue unknown;
  unknown.set_turn_class(submitted.turn_class());
  return unknown;
}

chat::v1::Queue Shard::PlaceOfNext(const SessionEntry& entry, const TurnInLine& turn,
                                   const Arbiter& pool) const {
  std::shared_ptr<LiveTurn> head;
  int64_t before = 0;
  {
    MutexLock lock(mutex_);
    before = static_cast<int64_t>(entry.line.size());
    if (before > 0) head = entry.line.turns().front();
  }
  return Place(pool, turn, head.get(), before);
}

void Shard::Tick() {
  std::vector<std::shared_ptr<LiveTurn>> watched = AllLive();
  std::erase_if(watched,
                [](const auto& turn) { return turn->log().readers() == 0 || !turn->queued(); });
  Sort(watched);
  for (const auto& turn : watched) {
    const chat::v1::Queue place = PlaceOf(*turn);
    if (!turn->TellPlace(place)) continue;
    chat::v1::TurnEvent event;
    *event.mutable_queued() = place;
    turn->log().Append(std::move(event), context_.services.clock.Now());
  }
  retained_.DropOld(context_.services.clock.Monotonic());
}

}  // namespace penstock::dispatcher
