// A journal whose operations fail by plan.
#pragma once

#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "libs/async/faulty.h"
#include "services/dispatcher/queue/journal.h"

namespace penstock::dispatcher {

// Names in the plan: those of the operations. `inner` and `plan` must outlive it.
class FaultyJournal final : public Journal {
 public:
  FaultyJournal(Journal& inner, FaultPlan& plan) : inner_(inner), plan_(plan) {}

  Awaitable<absl::StatusOr<std::vector<RecoveredShard>>> Open(int shards) override {
    return Faulty(plan_, "Open", inner_.Open(shards));
  }
  Awaitable<absl::Status> AppendSubmitted(identity::UserKey user, v1::Submitted submitted,
                                          WithSubmitted also) override {
    return Faulty(plan_, "AppendSubmitted",
                  inner_.AppendSubmitted(user, std::move(submitted), std::move(also)));
  }
  Awaitable<absl::Status> AppendStarted(identity::UserKey user, std::string turn_id,
                                        v1::Started started) override {
    return Faulty(plan_, "AppendStarted",
                  inner_.AppendStarted(user, std::move(turn_id), std::move(started)));
  }
  Awaitable<absl::Status> AppendCancelRequested(identity::UserKey user, std::string turn_id,
                                                v1::CancelRequested cancel) override {
    return Faulty(plan_, "AppendCancelRequested",
                  inner_.AppendCancelRequested(user, std::move(turn_id), std::move(cancel)));
  }
  Awaitable<absl::Status> AppendToolResults(identity::UserKey user, TurnIds ids,
                                            v1::ToolResults results) override {
    return Faulty(plan_, "AppendToolResults",
                  inner_.AppendToolResults(user, std::move(ids), std::move(results)));
  }
  Awaitable<absl::Status> AppendGenerated(identity::UserKey user, std::string turn_id,
                                          v1::Generated generated) override {
    return Faulty(plan_, "AppendGenerated",
                  inner_.AppendGenerated(user, std::move(turn_id), std::move(generated)));
  }
  Awaitable<absl::Status> Settle(identity::UserKey user, v1::Submitted submitted,
                                 std::vector<v1::ToolResults> tool_results, v1::UsageRow usage,
                                 std::vector<v1::Job> jobs, absl::Time request_id_expires,
                                 Counting counters) override {
    return Faulty(
        plan_, "Settle",
        inner_.Settle(user, std::move(submitted), std::move(tool_results), std::move(usage),
                      std::move(jobs), request_id_expires, std::move(counters)));
  }
  Awaitable<absl::Status> FinishJob(identity::UserKey user, std::string turn_id,
                                    v1::Job::Kind kind) override {
    return Faulty(plan_, "FinishJob", inner_.FinishJob(user, std::move(turn_id), kind));
  }
  Awaitable<absl::StatusOr<std::optional<v1::RequestIdRow>>> LookupRequestId(
      identity::UserKey user, std::string request_id, absl::Time now) override {
    return Faulty(plan_, "LookupRequestId",
                  inner_.LookupRequestId(user, std::move(request_id), now));
  }
  Awaitable<absl::StatusOr<v1::UserCounters>> LoadCounters(identity::UserKey user) override {
    return Faulty(plan_, "LoadCounters", inner_.LoadCounters(user));
  }
  Awaitable<absl::StatusOr<v1::TenantCounters>> LoadTenantCounters(std::string tenant) override {
    return Faulty(plan_, "LoadTenantCounters", inner_.LoadTenantCounters(std::move(tenant)));
  }
  Awaitable<absl::StatusOr<std::optional<v1::UsageRow>>> LoadUsage(identity::UserKey user,
                                                                   std::string turn_id) override {
    return Faulty(plan_, "LoadUsage", inner_.LoadUsage(user, std::move(turn_id)));
  }
  Awaitable<absl::StatusOr<int64_t>> SweepRequestIds(absl::Time now, int64_t limit) override {
    return Faulty(plan_, "SweepRequestIds", inner_.SweepRequestIds(now, limit));
  }

 private:
  Journal& inner_;
  FaultPlan& plan_;
};

}  // namespace penstock::dispatcher
