#include "services/dispatcher/queue/journal_keys.h"

#include <algorithm>

#include "libs/base/failpoint.h"
#include "libs/rocksdb/key.h"

#include "absl/strings/str_cat.h"

namespace penstock::dispatcher {
namespace {

constexpr size_t kTimeBytes = 8;
constexpr size_t kUserBytes = 16;
constexpr size_t kStepBytes = 4;

// The lowest of an id's characters.
constexpr char kLowestOfIds = '-';

uint64_t Milliseconds(absl::Time time) {
  return static_cast<uint64_t>(std::max<int64_t>(absl::ToUnixMillis(time), 0));
}

}  // namespace

std::string TurnKey(const identity::UserKey& user, absl::string_view turn_id, TurnRecord record) {
  return rocks::KeyBuilder()
      .Bytes(user.bytes())
      .Bytes(turn_id)
      .U8(static_cast<uint8_t>(record))
      .Take();
}

std::string ToolResultsKey(const identity::UserKey& user, absl::string_view turn_id, int32_t step) {
  return rocks::KeyBuilder()
      .Bytes(user.bytes())
      .Bytes(turn_id)
      .U8(static_cast<uint8_t>(TurnRecord::kToolResults))
      .U32(static_cast<uint32_t>(step))
      .Take();
}

std::optional<TurnKeyParts> ParseTurnKey(absl::string_view key) {
  size_t end = kUserBytes;
  while (end < key.size() && static_cast<uint8_t>(key[end]) >= kLowestOfIds) ++end;
  const bool unended = end == key.size() && end > kUserBytes &&
                       PENSTOCK_PLANTED_BUG("planted.turn_key_without_record");
  if (end >= key.size() && !unended) return std::nullopt;
  TurnKeyParts parts{.turn = key.substr(0, end), .record = static_cast<TurnRecord>(key[end])};
  const absl::string_view rest = key.substr(end + 1);
  if (parts.record != TurnRecord::kToolResults) {
    return rest.empty() ? std::optional(parts) : std::nullopt;
  }
  uint32_t step = 0;
  if (rest.size() != kStepBytes || !rocks::KeyReader(rest).U32(step)) return std::nullopt;
  parts.step = static_cast<int32_t>(step);
  return parts;
}

std::string IdemKey(const identity::UserKey& user, absl::string_view request_id) {
  return rocks::KeyBuilder().Bytes(user.bytes()).Bytes(request_id).Take();
}

std::string CounterKey(const identity::UserKey& user) {
  return rocks::KeyBuilder().Bytes(user.bytes()).Take();
}

std::string TenantCounterKey(absl::string_view tenant) { return absl::StrCat("tenant/", tenant); }

std::string JobKey(const identity::UserKey& user, absl::string_view turn_id, v1::Job::Kind kind) {
  return rocks::KeyBuilder()
      .Bytes(user.bytes())
      .Bytes(turn_id)
      .U8(static_cast<uint8_t>(kind))
      .Take();
}

std::string UsageKey(const identity::UserKey& user, absl::string_view turn_id) {
  return rocks::KeyBuilder().Bytes(user.bytes()).Bytes(turn_id).Take();
}

std::string DueKey(absl::Time expires, absl::string_view idem_key) {
  return rocks::KeyBuilder().U64(Milliseconds(expires)).Bytes(idem_key).Take();
}

std::string DueEnd(absl::Time now) { return rocks::KeyBuilder().U64(Milliseconds(now) + 1).Take(); }

absl::string_view IdemKeyOfDue(absl::string_view due_key) {
  return due_key.size() <= kTimeBytes ? absl::string_view() : due_key.substr(kTimeBytes);
}

std::string EndOfKeys() { return std::string(64, '\xff'); }

}  // namespace penstock::dispatcher
