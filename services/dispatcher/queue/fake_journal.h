// A journal in memory that survives its dispatcher: a test "crashes" by making a new dispatcher on
// it.
#pragma once

#include <map>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "libs/base/mutex.h"
#include "libs/base/proto_time.h"
#include "services/dispatcher/queue/journal.h"
#include "services/dispatcher/queue/shard_range.h"

namespace penstock::dispatcher {

// Thread-safe.
class FakeJournal : public Journal {
 public:
  Awaitable<absl::StatusOr<std::vector<RecoveredShard>>> Open(int shards) override {
    MutexLock lock(mutex_);
    ++epoch_;
    std::vector<RecoveredShard> recovered(static_cast<size_t>(shards));
    std::map<int64_t, UnfinishedTurn> in_order;
    for (const auto& [id, turn] : turns_) in_order.emplace(turn.submitted.submit_number(), turn);
    for (auto& shard : recovered) {
      shard.epoch = epoch_;
      shard.next_submit_number = in_order.empty() ? 1 : in_order.rbegin()->first + 1;
    }
    for (auto& [number, turn] : in_order) {
      recovered[static_cast<size_t>(ShardOfBucket(turn.user.bucket(), shards))].turns.push_back(
          turn);
    }
    for (const auto& [id, job] : jobs_) {
      recovered[static_cast<size_t>(ShardOfBucket(job.user.bucket(), shards))].jobs.push_back(job);
    }
    co_return recovered;
  }

  Awaitable<absl::Status> AppendSubmitted(identity::UserKey user, v1::Submitted submitted,
                                          WithSubmitted also) override {
    MutexLock lock(mutex_);
    v1::RequestIdRow row;
    row.set_session_id(submitted.session_id());
    row.set_turn_id(submitted.turn_id());
    row.set_request_digest(submitted.request_digest());
    request_ids_[{user, submitted.request_id()}] = row;
    turns_.emplace(submitted.turn_id(), UnfinishedTurn{.user = user,
                                                       .submitted = submitted,
                                                       .started = std::nullopt,
                                                       .cancel_requested = std::nullopt,
                                                       .generated = std::nullopt});
    Count(user, also.counters);
    if (const auto turn = turns_.find(also.interrupted_turn); turn != turns_.end()) {
      turn->second.cancel_requested = std::move(also.interruption);
    }
    co_return absl::OkStatus();
  }
  Awaitable<absl::Status> AppendStarted(identity::UserKey, std::string turn_id,
                                        v1::Started started) override {
    MutexLock lock(mutex_);
    if (const auto turn = turns_.find(turn_id); turn != turns_.end()) {
      turn->second.started = std::move(started);
    }
    co_return absl::OkStatus();
  }
  Awaitable<absl::Status> AppendCancelRequested(identity::UserKey, std::string turn_id,
                                                v1::CancelRequested cancel) override {
    MutexLock lock(mutex_);
    if (const auto turn = turns_.find(turn_id); turn != turns_.end()) {
      turn->second.cancel_requested = std::move(cancel);
    }
    co_return absl::OkStatus();
  }
  Awaitable<absl::Status> AppendToolResults(identity::UserKey user, TurnIds ids,
                                            v1::ToolResults results) override {
    MutexLock lock(mutex_);
    v1::RequestIdRow row;
    row.set_session_id(ids.session);
    row.set_turn_id(ids.turn);
    row.set_request_digest(results.request_digest());
    request_ids_[{user, results.request_id()}] = row;
    if (const auto turn = turns_.find(ids.turn); turn != turns_.end()) {
      turn->second.tool_results.push_back(std::move(results));
    }
    co_return absl::OkStatus();
  }
  Awaitable<absl::Status> AppendGenerated(identity::UserKey, std::string turn_id,
                                          v1::Generated generated) override {
    MutexLock lock(mutex_);
    if (const auto turn = turns_.find(turn_id); turn != turns_.end()) {
      turn->second.generated = std::move(generated);
    }
    co_return absl::OkStatus();
  }
  Awaitable<absl::Status> Settle(identity::UserKey user, v1::Submitted submitted,
                                 std::vector<v1::ToolResults>, v1::UsageRow usage,
                                 std::vector<v1::Job> jobs, absl::Time,
                                 Counting counters) override {
    MutexLock lock(mutex_);
    Count(user, counters);
    turns_.erase(submitted.turn_id());
    usage_.emplace(submitted.turn_id(), std::move(usage));
    for (auto& job : jobs) jobs_.insert_or_assign(job.turn_id(), PendingJob{user, job});
    co_return absl::OkStatus();
  }
  Awaitable<absl::Status> FinishJob(identity::UserKey, std::string turn_id,
                                    v1::Job::Kind) override {
    MutexLock lock(mutex_);
    jobs_.erase(turn_id);
    co_return absl::OkStatus();
  }
  Awaitable<absl::StatusOr<std::optional<v1::RequestIdRow>>> LookupRequestId(identity::UserKey user,
                                                                             std::string request_id,
                                                                             absl::Time) override {
    MutexLock lock(mutex_);
    const auto row = request_ids_.find({user, request_id});
    if (row == request_ids_.end()) co_return std::nullopt;
    co_return row->second;
  }
  Awaitable<absl::StatusOr<v1::UserCounters>> LoadCounters(identity::UserKey user) override {
    MutexLock lock(mutex_);
    const auto counters = user_counters_.find(user);
    co_return counters == user_counters_.end() ? v1::UserCounters() : counters->second;
  }
  Awaitable<absl::StatusOr<v1::TenantCounters>> LoadTenantCounters(std::string tenant) override {
    MutexLock lock(mutex_);
    const auto counters = tenant_counters_.find(tenant);
    co_return counters == tenant_counters_.end() ? v1::TenantCounters() : counters->second;
  }
  Awaitable<absl::StatusOr<std::optional<v1::UsageRow>>> LoadUsage(identity::UserKey,
                                                                   std::string turn_id) override {
    MutexLock lock(mutex_);
    const auto row = usage_.find(turn_id);
    if (row == usage_.end()) co_return std::nullopt;
    co_return row->second;
  }
  Awaitable<absl::StatusOr<int64_t>> SweepRequestIds(absl::Time, int64_t) override { co_return 0; }

  std::map<std::string, UnfinishedTurn> unfinished() const {
    MutexLock lock(mutex_);
    return turns_;
  }
  size_t jobs() const {
    MutexLock lock(mutex_);
    return jobs_.size();
  }
  // The ledger, by turn id.
  std::map<std::string, v1::UsageRow> usage() const {
    MutexLock lock(mutex_);
    return usage_;
  }

 private:
  void Count(const identity::UserKey& user, Counting& counters)
      ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_) {
    if (!counters) return;
    CounterValues values = counters();
    if (values.user) user_counters_[user] = *std::move(values.user);
    if (values.tenant) tenant_counters_[values.tenant->tenant()] = *values.tenant;
  }

  mutable Mutex mutex_;
  int64_t epoch_ ABSL_GUARDED_BY(mutex_) = 0;
  std::map<std::string, UnfinishedTurn> turns_ ABSL_GUARDED_BY(mutex_);
  std::map<std::string, PendingJob> jobs_ ABSL_GUARDED_BY(mutex_);
  std::map<std::string, v1::UsageRow> usage_ ABSL_GUARDED_BY(mutex_);
  std::map<identity::UserKey, v1::UserCounters> user_counters_ ABSL_GUARDED_BY(mutex_);
  std::map<std::string, v1::TenantCounters> tenant_counters_ ABSL_GUARDED_BY(mutex_);
  std::map<std::pair<identity::UserKey, std::string>, v1::RequestIdRow> request_ids_
      ABSL_GUARDED_BY(mutex_);
};

}  // namespace penstock::dispatcher
