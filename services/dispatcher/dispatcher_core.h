// The dispatcher without its RPC rim: shards, pools, jobs, and what is asked of them.
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "libs/async/live_count.h"
#include "libs/host/environment.h"
#include "libs/identity/principal.h"
#include "penstock/dispatcher/v1/dispatcher.pb.h"
#include "penstock/dispatcher/v1/operations.pb.h"
#include "services/dispatcher/admission/admission.h"
#include "services/dispatcher/admission/tool_desk.h"
#include "services/dispatcher/queue/pool_metrics.h"
#include "services/dispatcher/queue/shard.h"
#include "services/dispatcher/scaling/scaler.h"

#include "absl/status/statusor.h"

namespace penstock::dispatcher {

// The events of one turn, from memory or, once it has long ended, from session-state.
class TurnEvents {
 public:
  explicit TurnEvents(std::unique_ptr<EventReader> reader) : reader_(std::move(reader)) {}
  explicit TurnEvents(std::vector<chat::v1::TurnEvent> stored) : stored_(std::move(stored)) {}

  // The next ones; see EventReader::Read.
  Awaitable<absl::StatusOr<EventBatch>> Next(std::stop_token stop);

 private:
  std::unique_ptr<EventReader> reader_;
  std::vector<chat::v1::TurnEvent> stored_;
};

// Thread-safe.
class DispatcherCore {
 public:
  // The references outlive it.
  DispatcherCore(const host::Environment& environment, Peers peers, Journal& journal);
  ~DispatcherCore();

  // Opens the journal, raises the epochs, takes unfinished turns and jobs up again. Call it once,
  // first.
  Awaitable<absl::Status> Recover();

  Awaitable<absl::StatusOr<Submission>> Submit(identity::Principal principal,
                                               v1::SubmitTurnRequest request,
                                               std::string traceparent, bool watched);
  // NOT_FOUND (TURN_NOT_FOUND) when neither this dispatcher nor session-state has the turn.
  Awaitable<absl::StatusOr<TurnEvents>> Watch(identity::Principal principal, std::string name,
                                              int64_t after_index, bool outcome_only);
  // The live turn, or as it ended.
  Awaitable<absl::StatusOr<chat::v1::Turn>> Cancel(identity::Principal principal,
                                                   v1::CancelTurnRequest request);
  // The turn, once the results of its open calls are journaled. `stop`: nobody waits any more.
  Awaitable<absl::StatusOr<chat::v1::Turn>> SubmitToolResults(identity::Principal principal,
                                                              v1::SubmitToolResultsRequest request,
                                                              std::stop_token stop);
  // Live turns only.
  absl::StatusOr<chat::v1::Turn> GetLive(const identity::Principal& principal,
                                         const std::string& name) const;
  // Newest first; those beyond 2 MiB in all without input and output (turn/live_list.h).
  absl::StatusOr<std::vector<chat::v1::Turn>> ListLive(const identity::Principal& principal,
                                                       const std::string& parent) const;
  // Live, or as it ended.
  Awaitable<absl::StatusOr<chat::v1::Turn>> Get(identity::Principal principal, std::string name);
  // Cancels the live turns of a session, waits until they have ended, forgets the session.
  Awaitable<absl::Status> CancelSession(identity::Principal principal, std::string session);
  absl::Status ForgetSession(const identity::Principal& principal, const std::string& session);

  // PERMISSION_DENIED (SCOPE_MISSING) without scope `operator`.
  absl::StatusOr<v1::Load> GetLoad(const identity::Principal& principal) const;
  // What runs of streams to gateways; whoever serves one holds what this gives.
  OpenStream CountStream() { return OpenStream(metrics_.open_streams); }
  int64_t open_streams() const { return static_cast<int64_t>(metrics_.open_streams.Value()); }
  // Answers KEDA.
  const Scaler& scaler() const { return scaler_; }
  // Takes over the sections queue, tenants and tiers, for what is admitted and served from now on.
  // After Recover.
  void Reload(const config::v1::Config& config);
  // Refuses new turns and tool results from now on and waits, at most `timeout`, until the live
  // turns have ended, but for those that wait for tools. Blocks.
  void Drain(absl::Duration timeout);
  // Leaves all turns to the journal; they stop by and by.
  void RequestStop();
  // RequestStop, and waits until nothing runs any more. Blocks.
  void Stop();

 private:
  Shard& ShardOf(const identity::Principal& principal) const;
  chat::v1::Turn LiveView(const Shard& shard, const LiveTurn& turn) const;
  PeerCall CallFor(const identity::Principal& principal) const;
  Awaitable<void> MakeMissingSessions(const std::vector<RecoveredShard>& recovered);
  Awaitable<void> Tick();
  void LogWhatStillRuns() const;

  const host::Environment environment_;
  Journal& journal_;
  LiveCount running_;
  std::stop_source shutdown_;
  std::atomic<bool> draining_ = false;
  AgentCatalog agents_;
  Pools pools_;
  std::vector<PoolMetrics> pool_metrics_;
  TokenEstimator tokens_;
  TurnForecast forecast_;
  Snapshot<Policy> policy_;
  Accounts accounts_;
  Depths depths_;
  const std::shared_ptr<HeldBytes> held_;
  OutputBounds outputs_;
  TurnMetrics metrics_;
  const TurnServices services_;
  IngestJobs jobs_;
  std::vector<std::unique_ptr<Shard>> shards_;
  std::unique_ptr<Admission> admission_;
  ToolDesk tool_desk_;
  const Scaler scaler_;
};

}  // namespace penstock::dispatcher
