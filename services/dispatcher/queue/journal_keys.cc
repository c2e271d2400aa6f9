#include "services/dispatcher/queue/journal_keys.h"

#include <algorithm>

#include "libs/rocksdb/key.h"

namespace penstock::dispatcher {
namespace {

constexpr size_t kTimeBytes = 8;

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

std::string IdemKey(const identity::UserKey& user, absl::string_view request_id) {
  return rocks::KeyBuilder().Bytes(user.bytes()).Bytes(request_id).Take();
}

std::string CounterKey(const identity::UserKey& user) {
  return rocks::KeyBuilder().Bytes(user.bytes()).Take();
}

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
