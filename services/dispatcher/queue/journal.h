// The dispatcher's durable memory: every accepted turn until it is settled. JOURNAL.md has the
// layout.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "libs/async/awaitable.h"
#include "libs/base/ids.h"
#include "libs/identity/principal.h"
#include "penstock/dispatcher/v1/journal.pb.h"

#include "absl/functional/any_invocable.h"
#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/time/time.h"

namespace penstock::dispatcher {

struct UnfinishedTurn {
  identity::UserKey user;
  v1::Submitted submitted;
  // Absent when it never was, or when a crash lost it.
  std::optional<v1::Started> started;
  std::optional<v1::CancelRequested> cancel_requested;
  std::optional<v1::Generated> generated;
  // In order of their steps.
  std::vector<v1::ToolResults> tool_results = {};
};

// What is counted, as absolute values.
struct CounterValues {
  std::optional<v1::UserCounters> user = std::nullopt;
  // Names its tenant.
  std::optional<v1::TenantCounters> tenant = std::nullopt;
};

// Asked once for the counters to write with an operation, in the order in which operations take
// effect: so they hold all that is counted before it and nothing after. On any thread and under
// locks of the journal: short, and calls nothing of it. Null: none are written.
using Counting = absl::AnyInvocable<CounterValues()>;

// What is written with a submission, or not at all.
struct WithSubmitted {
  Counting counters = nullptr;
  // The turn of the same user that the submission interrupts; empty: none.
  std::string interrupted_turn = "";
  v1::CancelRequested interruption = {};
};

struct PendingJob {
  identity::UserKey user;
  v1::Job job;
};

struct RecoveredShard {
  // Above every epoch that any shard had before; synced.
  int64_t epoch = 0;
  // Above that of every unfinished turn of all shards.
  int64_t next_submit_number = 1;
  // In order of submit_number.
  std::vector<UnfinishedTurn> turns;
  // Oldest first.
  std::vector<PendingJob> jobs;
};

// Whole operations, each atomic. Thread-safe. Open comes first, once. "Synced" answers after the
// record is on disk; the others answer once it is written to the log of the database, and what a
// crash of the machine loses of them is done again. Operations take effect in the order of the
// calls.
//
// UNAVAILABLE (STORE_UNAVAILABLE) when the store cannot take a write; whether it happened is then
// not known. A failed sync ends the process.
class Journal {
 public:
  virtual ~Journal() = default;

  // Raises the epochs (synced) and reads what is unfinished, one entry a shard; ShardOfBucket tells
  // which. `shards` may differ from the last time. DATA_LOSS, naming the record, when one cannot be
  // read.
  virtual Awaitable<absl::StatusOr<std::vector<RecoveredShard>>> Open(int shards) = 0;

  // Synced. Together with the row of its request_id, if it has one.
  virtual Awaitable<absl::Status> AppendSubmitted(identity::UserKey user, v1::Submitted submitted,
                                                  WithSubmitted also) = 0;
  virtual Awaitable<absl::Status> AppendStarted(identity::UserKey user, std::string turn_id,
                                                v1::Started started) = 0;
  // Synced.
  virtual Awaitable<absl::Status> AppendCancelRequested(identity::UserKey user, std::string turn_id,
                                                        v1::CancelRequested cancel) = 0;
  // Synced. Together with the row of its request_id, if it has one. Once for each step; the latest
  // counts.
  virtual Awaitable<absl::Status> AppendToolResults(identity::UserKey user, TurnIds ids,
                                                    v1::ToolResults results) = 0;
  // Synced.
  virtual Awaitable<absl::Status> AppendGenerated(identity::UserKey user, std::string turn_id,
                                                  v1::Generated generated) = 0;
  // The turn has ended: removes its records, writes its usage row and its jobs, and lets its
  // request_ids expire at `request_id_expires`. `tool_results`: all that were appended, of which
  // only step, request_id and request_digest are read. Repeating it changes nothing but what
  // `counters` says.
  virtual Awaitable<absl::Status> Settle(identity::UserKey user, v1::Submitted submitted,
                                         std::vector<v1::ToolResults> tool_results,
                                         v1::UsageRow usage, std::vector<v1::Job> jobs,
                                         absl::Time request_id_expires, Counting counters) = 0;
  virtual Awaitable<absl::Status> FinishJob(identity::UserKey user, std::string turn_id,
                                            v1::Job::Kind kind) = 0;

  // The turn that this request_id started or went on with. None for an unknown one and for one
  // expired at `now`.
  virtual Awaitable<absl::StatusOr<std::optional<v1::RequestIdRow>>> LookupRequestId(
      identity::UserKey user, std::string request_id, absl::Time now) = 0;
  // Empty for a user, or a tenant, without any.
  virtual Awaitable<absl::StatusOr<v1::UserCounters>> LoadCounters(identity::UserKey user) = 0;
  virtual Awaitable<absl::StatusOr<v1::TenantCounters>> LoadTenantCounters(std::string tenant) = 0;
  // The ledger's row of a settled turn.
  virtual Awaitable<absl::StatusOr<std::optional<v1::UsageRow>>> LoadUsage(identity::UserKey user,
                                                                           std::string turn_id) = 0;

  // Removes request ids that expired before `now`, at most `limit`; answers how many.
  virtual Awaitable<absl::StatusOr<int64_t>> SweepRequestIds(absl::Time now, int64_t limit) = 0;
};

}  // namespace penstock::dispatcher
