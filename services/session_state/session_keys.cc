#include "services/session_state/session_keys.h"

#include "libs/identity/sha256.h"
#include "libs/rocksdb/key.h"

namespace penstock::session_state {
namespace {

using rocks::KeyBuilder;

uint64_t Micros(absl::Time time) { return static_cast<uint64_t>(absl::ToUnixMicros(time)); }

}  // namespace

std::vector<rocks::ColumnFamilyOptions> ColumnFamilies() {
  return {{.name = "session"},
          {.name = "turn", .prefix_bytes = SessionKey::kBytes, .min_blob_bytes = 16 << 10},
          {.name = "turn_id"},
          {.name = "session_by_time", .prefix_bytes = 16},
          {.name = "turn_by_time", .prefix_bytes = 16},
          {.name = "create"},
          {.name = "due", .keys_rise = true},
          {.name = "step", .prefix_bytes = SessionKey::kBytes, .min_blob_bytes = 16 << 10}};
}

std::string Hash16(absl::string_view id) {
  identity::Sha256 hash;
  hash.Update(id);
  const auto digest = hash.Finish();
  return std::string(reinterpret_cast<const char*>(digest.data()), 16);
}

SessionKey::SessionKey(const identity::UserKey& user, absl::string_view session_id)
    : bytes_(KeyBuilder().Bytes(user.bytes()).Bytes(Hash16(session_id)).Take()) {}

std::string TurnKey(const SessionKey& session, int64_t sequence, absl::string_view turn16) {
  return KeyBuilder()
      .Bytes(session.bytes())
      .Descending(static_cast<uint64_t>(sequence))
      .Bytes(turn16)
      .Take();
}

absl::string_view TurnIdOfKey(absl::string_view key) { return key.substr(key.size() - 16); }

std::string TurnIdKey(const SessionKey& session, absl::string_view turn16) {
  return KeyBuilder().Bytes(session.bytes()).Bytes(turn16).Take();
}

std::string StepKey(const SessionKey& session, absl::string_view turn16, int32_t step) {
  return KeyBuilder().Bytes(session.bytes()).Bytes(turn16).U32(static_cast<uint32_t>(step)).Take();
}

std::string SessionByTimeKey(const SessionKey& session, absl::Time created) {
  return KeyBuilder()
      .Bytes(session.user())
      .Descending(Micros(created))
      .Bytes(session.session())
      .Take();
}

std::string TurnByTimeKey(const SessionKey& session, absl::Time created, int64_t sequence,
                          absl::string_view turn16) {
  return KeyBuilder()
      .Bytes(session.user())
      .Descending(Micros(created))
      .Bytes(session.session())
      .Descending(static_cast<uint64_t>(sequence))
      .Bytes(turn16)
      .Take();
}

std::string CreateKey(const identity::UserKey& user, absl::string_view request_id) {
  return KeyBuilder().Bytes(user.bytes()).Bytes(Hash16(request_id)).Take();
}

std::string DueKey(int64_t second, DueKind kind, absl::string_view key) {
  return KeyBuilder()
      .U64(static_cast<uint64_t>(second))
      .U8(static_cast<uint8_t>(kind))
      .Bytes(key)
      .Take();
}

int64_t DueSecond(absl::Time time) {
  const int64_t second = absl::ToUnixSeconds(time);
  return absl::FromUnixSeconds(second) < time ? second + 1 : second;
}

}  // namespace penstock::session_state
