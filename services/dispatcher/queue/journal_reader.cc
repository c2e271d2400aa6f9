#include "services/dispatcher/queue/journal_reader.h"

#include <algorithm>
#include <tuple>
#include <utility>

#include "libs/base/status_macros.h"
#include "libs/identity/journaled.h"
#include "services/dispatcher/queue/journal_keys.h"
#include "services/dispatcher/queue/shard_range.h"

#include "absl/strings/str_cat.h"

namespace penstock::dispatcher {
namespace {

constexpr size_t kUserBytes = 16;

template <class Record>
absl::Status Read(absl::string_view value, std::optional<Record>& record) {
  return rocks::ParseFramed(value, kRecordVersions, record.emplace());
}

bool IsOf(absl::string_view key, const identity::UserKey& user) {
  return key.substr(0, kUserBytes) == user.bytes();
}

absl::Status WrongUser() {
  return absl::DataLossError("the key is not that of the tenant and user in the record");
}

auto Order(const UnfinishedTurn& turn) {
  const v1::Submitted& submitted = turn.submitted;
  return std::tuple(submitted.submit_number(), submitted.create_time().seconds(),
                    submitted.create_time().nanos(), absl::string_view(submitted.turn_id()));
}

auto Order(const PendingJob& pending) {
  const v1::Job& job = pending.job;
  return std::tuple(job.create_time().seconds(), job.create_time().nanos(),
                    absl::string_view(job.turn_id()));
}

template <class Item>
void SortInOrder(std::vector<Item>& items) {
  std::sort(items.begin(), items.end(),
            [](const Item& a, const Item& b) { return Order(a) < Order(b); });
}

}  // namespace

JournalReader::JournalReader(int shards, int64_t epoch) {
  result_.shards.resize(static_cast<size_t>(shards));
  for (RecoveredShard& shard : result_.shards) shard.epoch = epoch;
}

absl::Status JournalReader::ReadTurn(absl::string_view key, absl::string_view value) {
  const std::optional<TurnKeyParts> parts = ParseTurnKey(key);
  if (!parts) return absl::DataLossError("the key is none of a turn");
  if (parts->record == TurnRecord::kSubmitted) return ReadSubmitted(parts->turn, value);
  if (turn_ == nullptr || parts->turn != turn_prefix_) {
    result_.orphans.Delete(kTurnFamily, key);
    return absl::OkStatus();
  }
  switch (parts->record) {
    case TurnRecord::kStarted:
      return Read(value, turn_->started);
    case TurnRecord::kCancelRequested:
      return Read(value, turn_->cancel_requested);
    case TurnRecord::kGenerated:
      return Read(value, turn_->generated);
    case TurnRecord::kToolResults:
      return ReadToolResults(parts->step, value);
    default:
      return absl::FailedPreconditionError(absl::StrCat(
          "found kind ", static_cast<int>(parts->record), ", this version reads 1 to 5"));
  }
}

absl::Status JournalReader::ReadToolResults(int32_t step, absl::string_view value) {
  v1::ToolResults results;
  PENSTOCK_RETURN_IF_ERROR(rocks::ParseFramed(value, kRecordVersions, results));
  if (results.step() != step) {
    return absl::DataLossError("the key is not that of the step in the record");
  }
  turn_->tool_results.push_back(std::move(results));
  return absl::OkStatus();
}

absl::Status JournalReader::ReadSubmitted(absl::string_view turn, absl::string_view value) {
  v1::Submitted submitted;
  PENSTOCK_RETURN_IF_ERROR(rocks::ParseFramed(value, kRecordVersions, submitted));
  const auto user = identity::UserKeyOfJournaled(submitted.tenant(), submitted.user());
  if (!IsOf(turn, user)) return WrongUser();
  std::vector<UnfinishedTurn>& turns = ShardOf(user).turns;
  turns.push_back({.user = user,
                   .submitted = std::move(submitted),
                   .started = std::nullopt,
                   .cancel_requested = std::nullopt,
                   .generated = std::nullopt});
  turn_ = &turns.back();
  turn_prefix_ = std::string(turn);
  return absl::OkStatus();
}

absl::Status JournalReader::ReadJob(absl::string_view key, absl::string_view value) {
  v1::Job job;
  PENSTOCK_RETURN_IF_ERROR(rocks::ParseFramed(value, kRecordVersions, job));
  const auto user = identity::UserKeyOfJournaled(job.tenant(), job.user());
  if (!IsOf(key, user)) return WrongUser();
  ShardOf(user).jobs.push_back({.user = user, .job = std::move(job)});
  return absl::OkStatus();
}

JournalRecovery JournalReader::Finish() && {
  int64_t newest = 0;
  for (RecoveredShard& shard : result_.shards) {
    SortInOrder(shard.turns);
    SortInOrder(shard.jobs);
    if (!shard.turns.empty()) {
      newest = std::max(newest, shard.turns.back().submitted.submit_number());
    }
  }
  for (RecoveredShard& shard : result_.shards) shard.next_submit_number = newest + 1;
  return std::move(result_);
}

RecoveredShard& JournalReader::ShardOf(const identity::UserKey& user) {
  const int shard = ShardOfBucket(user.bucket(), static_cast<int>(result_.shards.size()));
  return result_.shards[static_cast<size_t>(shard)];
}

}  // namespace penstock::dispatcher
