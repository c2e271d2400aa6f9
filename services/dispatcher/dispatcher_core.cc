#include "services/dispatcher/dispatcher_core.h"

#include <algorithm>
#include <map>
#include <utility>

#include "libs/async/sleep_or_stop.h"
#include "libs/async/status_macros.h"
#include "libs/base/failpoint.h"
#include "libs/base/ids.h"
#include "libs/base/log.h"
#include "libs/base/proto_time.h"
#include "libs/base/refusal.h"
#include "services/dispatcher/dispatcher_pools.h"
#include "services/dispatcher/load_report.h"
#include "services/dispatcher/queue/fair_options.h"
#include "services/dispatcher/queue/session_restore.h"
#include "services/dispatcher/queue/shard_range.h"
#include "services/dispatcher/turn/live_list.h"
#include "services/dispatcher/turn/stored_events.h"

#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "absl/time/clock.h"

namespace penstock::dispatcher {
namespace {

absl::Status TurnNotFound(const std::string& name) {
  return Refusal(absl::StatusCode::kNotFound, "TURN_NOT_FOUND", absl::StrCat(name, ": not found"))
      .With("name", name);
}

constexpr absl::string_view kOperatorScope = "operator";
constexpr size_t kTurnsNamedInLog = 10;

absl::Status Draining() {
  return Refusal(absl::StatusCode::kUnavailable, "DRAINING",
                 "the dispatcher is stopping; send the same request again")
      .RetryAfter(absl::Seconds(1));
}

}  // namespace

Awaitable<absl::StatusOr<EventBatch>> TurnEvents::Next(std::stop_token stop) {
  if (reader_ != nullptr) co_return co_await reader_->Read(std::move(stop));
  co_return EventBatch{std::move(stored_), /*end=*/true};
}

DispatcherCore::DispatcherCore(const host::Environment& environment, Peers peers, Journal& journal)
    : environment_(environment),
      journal_(journal),
      agents_(environment.config),
      pools_(MakePools(environment)),
      pool_metrics_(MetricsOf(pools_, environment.metrics)),
      policy_(std::make_shared<const Policy>(environment.config)),
      accounts_(environment.config.queue().first_turns_per_hour()),
      depths_(MakeDepths(environment.config)),
      held_(std::make_shared<HeldBytes>(HeldBytesLimitsOf(environment.config))),
      metrics_(environment.metrics),
      services_{environment.config,
                agents_,
                pools_,
                peers,
                tokens_,
                outputs_,
                metrics_,
                environment.clock,
                environment.timers,
                environment.executor,
                environment.random,
                forecast_,
                policy_},
      jobs_({peers, journal, environment.clock, environment.timers, environment.executor, running_,
             shutdown_.get_token()},
            environment.config.job().max_in_flight(), environment.metrics),
      tool_desk_(services_, journal),
      scaler_(pools_, metrics_.open_streams) {
  for (PoolMetrics& pool : pool_metrics_) pool.Publish();
}

DispatcherCore::~DispatcherCore() { Stop(); }

Awaitable<absl::Status> DispatcherCore::Recover() {
  PENSTOCK_CO_ASSIGN_OR_RETURN(auto recovered,
                               co_await journal_.Open(environment_.config.journal().shards()));
  int64_t next_submit_number = 1;
  size_t turns = 0;
  size_t jobs = 0;
  co_await MakeMissingSessions(recovered);
  for (RecoveredShard& found : recovered) {
    next_submit_number = std::max(next_submit_number, found.next_submit_number);
    shards_.push_back(
        std::make_unique<Shard>(Shard::Context{services_, journal_, jobs_, accounts_, depths_,
                                               *held_, running_, shutdown_.get_token()},
                                found.epoch));
    turns += found.turns.size();
    jobs += found.jobs.size();
    for (UnfinishedTurn& turn : found.turns) shards_.back()->TakeUp(std::move(turn));
    for (PendingJob& job : found.jobs) jobs_.Add(std::move(job), std::nullopt);
  }
  PENSTOCK_FAILPOINT("dispatcher.after_recovery");
  admission_ = std::make_unique<Admission>(
      Admission::Context{services_, journal_, accounts_, depths_, *held_, environment_.metrics},
      next_submit_number);
  Spawn(environment_.executor, Tick());
  Log(Severity::kInfo, "recovered",
      {{"unfinished_turns", absl::StrCat(turns)}, {"pending_jobs", absl::StrCat(jobs)}});
  co_return absl::OkStatus();
}

Awaitable<void> DispatcherCore::MakeMissingSessions(const std::vector<RecoveredShard>& recovered) {
  std::vector<const UnfinishedTurn*> turns;
  for (const RecoveredShard& found : recovered) {
    for (const UnfinishedTurn& turn : found.turns) {
      if (MayMissItsSession(turn)) turns.push_back(&turn);
    }
  }
  co_await RestoreSessions(services_, std::move(turns), shutdown_.get_token());
}

Awaitable<void> DispatcherCore::Tick() {
  const auto hold = running_.Hold();
  while (co_await SleepOrStop(environment_.timers, absl::Seconds(1), shutdown_.get_token())) {
    for (const auto& shard : shards_) shard->Tick();
    accounts_.DropOld(environment_.clock.Now());
    admission_->DropOld();
    metrics_.held_bytes.Set(static_cast<double>(held_->bytes()));
    for (PoolMetrics& pool : pool_metrics_) pool.Publish();
    const auto swept = co_await journal_.SweepRequestIds(environment_.clock.Now(), 1000);
    if (!swept.ok()) {
      Log(Severity::kWarning, "expired request ids stay for now",
          {{"status", swept.status().message()}});
    }
  }
}

Shard& DispatcherCore::ShardOf(const identity::Principal& principal) const {
  return *shards_[static_cast<size_t>(
      ShardOfBucket(principal.key.bucket(), static_cast<int>(shards_.size())))];
}

PeerCall DispatcherCore::CallFor(const identity::Principal& principal) const {
  return {.principal = principal,
          .turn_id = "",
          .traceparent = "",
          .deadline = environment_.clock.Now() + absl::Seconds(5),
          .stop = shutdown_.get_token()};
}

Awaitable<absl::StatusOr<Submission>> DispatcherCore::Submit(identity::Principal principal,
                                                             v1::SubmitTurnRequest request,
                                                             std::string traceparent,
                                                             bool watched) {
  if (draining_) {
    co_return admission_->Refuse(Draining(), principal, request.turn().urgency());
  }
  Shard& shard = ShardOf(principal);
  co_return co_await admission_->Submit(shard, std::move(principal), std::move(request),
                                        std::move(traceparent), watched);
}

Awaitable<absl::StatusOr<chat::v1::Turn>> DispatcherCore::Get(identity::Principal principal,
                                                              std::string name) {
  auto live = GetLive(principal, name);
  if (live.ok() || !absl::IsNotFound(live.status())) co_return live;
  session::v1::GetTurnRequest request;
  request.set_name(std::move(name));
  co_return co_await services_.peers.session.GetTurn(CallFor(principal), std::move(request));
}

Awaitable<absl::StatusOr<TurnEvents>> DispatcherCore::Watch(identity::Principal principal,
                                                            std::string name, int64_t after_index,
                                                            bool outcome_only) {
  PENSTOCK_CO_ASSIGN_OR_RETURN(TurnIds ids, ParseTurnName(name, "name"));
  const auto log = ShardOf(principal).FindLog(TurnKey(principal.key, std::move(ids.turn)));
  if (log != nullptr) {
    PENSTOCK_CO_ASSIGN_OR_RETURN(auto reader, log->Attach(after_index, outcome_only));
    co_return TurnEvents(std::move(reader));
  }
  session::v1::GetTurnRequest request;
  request.set_name(std::move(name));
  PENSTOCK_CO_ASSIGN_OR_RETURN(
      const chat::v1::Turn turn,
      co_await services_.peers.session.GetTurn(CallFor(principal), std::move(request)));
  co_return TurnEvents(StoredEvents(turn, after_index, outcome_only));
}

Awaitable<absl::StatusOr<chat::v1::Turn>> DispatcherCore::Cancel(identity::Principal principal,
                                                                 v1::CancelTurnRequest request) {
  PENSTOCK_CO_ASSIGN_OR_RETURN(const TurnIds ids, ParseTurnName(request.name(), "name"));
  Shard& shard = ShardOf(principal);
  const auto turn = shard.FindTurn(TurnKey(principal.key, ids.turn));
  if (turn != nullptr && turn->name() == request.name()) {
    PENSTOCK_CO_RETURN_IF_ERROR(co_await shard.Cancel(turn, request.discard_output()));
    // It may have ended meanwhile: then that is the answer.
    if (shard.FindTurn(TurnKey(principal.key, ids.turn)) != nullptr) {
      co_return LiveView(shard, *turn);
    }
  }
  co_return co_await Get(std::move(principal), request.name());
}

Awaitable<absl::StatusOr<chat::v1::Turn>> DispatcherCore::SubmitToolResults(
    identity::Principal principal, v1::SubmitToolResultsRequest request, std::stop_token stop) {
  if (draining_) co_return Draining();
  const std::string name = request.name();
  PENSTOCK_CO_RETURN_IF_ERROR(co_await tool_desk_.Submit(ShardOf(principal), CallFor(principal),
                                                         std::move(request), std::move(stop)));
  co_return co_await Get(std::move(principal), name);
}

chat::v1::Turn DispatcherCore::LiveView(const Shard& shard, const LiveTurn& turn) const {
  chat::v1::Turn view = turn.Snapshot();
  if (view.state() == chat::v1::Turn::QUEUED) *view.mutable_queue() = shard.PlaceOf(turn);
  return view;
}

absl::StatusOr<chat::v1::Turn> DispatcherCore::GetLive(const identity::Principal& principal,
                                                       const std::string& name) const {
  PENSTOCK_ASSIGN_OR_RETURN(const TurnIds ids, ParseTurnName(name, "name"));
  const Shard& shard = ShardOf(principal);
  const auto turn = shard.FindTurn(TurnKey(principal.key, ids.turn));
  if (turn == nullptr || turn->name() != name) return TurnNotFound(name);
  return LiveView(shard, *turn);
}

absl::StatusOr<std::vector<chat::v1::Turn>> DispatcherCore::ListLive(
    const identity::Principal& principal, const std::string& parent) const {
  std::string session_id = "-";
  if (parent != "sessions/-") {
    PENSTOCK_ASSIGN_OR_RETURN(session_id, ParseSessionName(parent, "parent"));
  }
  const Shard& shard = ShardOf(principal);
  auto live = shard.TurnsOf(principal.key, session_id);
  // Newest first.
  std::sort(live.begin(), live.end(), [](const auto& a, const auto& b) {
    return a->submitted().submit_number() > b->submitted().submit_number();
  });
  std::vector<chat::v1::Turn> turns;
  for (const auto& turn : live) turns.push_back(LiveView(shard, *turn));
  FitIntoMessage(turns);
  return turns;
}

Awaitable<absl::Status> DispatcherCore::CancelSession(identity::Principal principal,
                                                      std::string session) {
  PENSTOCK_CO_ASSIGN_OR_RETURN(const std::string session_id, ParseSessionName(session, "session"));
  Shard& shard = ShardOf(principal);
  const auto turns = shard.TurnsOf(principal.key, session_id);
  for (const auto& turn : turns) turn->RequestCancel(/*discard_output=*/false);
  for (const auto& turn : turns) {
    PENSTOCK_CO_ASSIGN_OR_RETURN(const auto reader, turn->log().Attach(0, /*outcome_only=*/true));
    for (bool end = false; !end;) {
      PENSTOCK_CO_ASSIGN_OR_RETURN(const EventBatch batch,
                                   co_await reader->Read(shutdown_.get_token()));
      end = batch.end;
    }
  }
  shard.ForgetSession(SessionKey(principal.key, session_id));
  co_return absl::OkStatus();
}

absl::Status DispatcherCore::ForgetSession(const identity::Principal& principal,
                                           const std::string& session) {
  PENSTOCK_ASSIGN_OR_RETURN(const std::string session_id, ParseSessionName(session, "session"));
  ShardOf(principal).ForgetSession(SessionKey(principal.key, session_id));
  return absl::OkStatus();
}

void DispatcherCore::Reload(const config::v1::Config& config) {
  for (const auto& model : config.models()) {
    pools_.at(model.name())->SetShares(FairOptionsOf(config, model).shares);
    depths_.at(model.name())->SetLimits(DepthLimitsOf(config));
  }
  held_->SetLimits(HeldBytesLimitsOf(config));
  accounts_.SetFirstTurns(config.queue().first_turns_per_hour());
  admission_->Reload(config.queue());
  policy_.Set(std::make_shared<const Policy>(config));
}

absl::StatusOr<v1::Load> DispatcherCore::GetLoad(const identity::Principal& principal) const {
  if (!principal.HasScope(kOperatorScope)) {
    return Refusal(absl::StatusCode::kPermissionDenied, "SCOPE_MISSING",
                   absl::StrCat("needs scope ", kOperatorScope))
        .With("scope", kOperatorScope);
  }
  return LoadOf(pools_, open_streams(), environment_.clock.Now());
}

void DispatcherCore::Drain(absl::Duration timeout) {
  draining_ = true;
  const absl::Time until = absl::Now() + timeout;
  const auto running = [&] { return metrics_.live.Value() - metrics_.awaiting_tools.Value(); };
  while (running() > 0 && absl::Now() < until) {
    absl::SleepFor(std::min(absl::Milliseconds(10), until - absl::Now()));
  }
  if (running() > 0) LogWhatStillRuns();
}

void DispatcherCore::LogWhatStillRuns() const {
  std::map<std::string, int> states;
  std::vector<std::string> running;
  for (const auto& shard : shards_) {
    for (const auto& turn : shard->AllLive()) {
      const chat::v1::Turn::State state = turn->Snapshot().state();
      ++states[chat::v1::Turn::State_Name(state)];
      if (state == chat::v1::Turn::RUNNING && running.size() < kTurnsNamedInLog) {
        running.push_back(turn->name());
      }
    }
  }
  Log(Severity::kWarning,
      "drain ended with live turns; the journal has them, the next start runs them",
      {{"live_turns", absl::StrJoin(states, ", ", absl::PairFormatter(": "))},
       {"running", absl::StrJoin(running, " ")}});
}

void DispatcherCore::RequestStop() {
  draining_ = true;
  shutdown_.request_stop();
  for (const auto& shard : shards_) shard->StopAll(Draining());
}

void DispatcherCore::Stop() {
  RequestStop();
  running_.WaitUntilNone();
}

}  // namespace penstock::dispatcher
