#include "services/memory_recall/memory_keys.h"

#include "libs/base/failpoint.h"
#include "libs/identity/sha256.h"
#include "libs/rocksdb/key.h"
#include "services/memory_recall/memory_id.h"

namespace penstock::memory_recall {
namespace {

constexpr size_t kUserBytes = 16;
constexpr size_t kIdBytes = 16;

std::string Inverted(std::string bytes) {
  for (char& byte : bytes) byte = static_cast<char>(~byte);
  return bytes;
}

uint64_t MinuteOf(absl::Time time) {
  const int64_t seconds = absl::ToUnixSeconds(time);
  return seconds < 0 ? 0 : static_cast<uint64_t>(seconds) / 60;
}

}  // namespace

std::string NewestFirstKey(absl::string_view user, absl::string_view id) {
  return rocks::KeyBuilder().Bytes(user).Bytes(Inverted(BytesOfId(id))).Take();
}

std::string IdOfNewestFirstKey(absl::string_view key) {
  return IdOfBytes(Inverted(std::string(key.substr(kUserBytes))));
}

std::string OldestFirstKey(absl::string_view user, absl::string_view id) {
  return rocks::KeyBuilder().Bytes(user).Bytes(BytesOfId(id)).Take();
}

std::string IdOfOldestFirstKey(absl::string_view key) { return IdOfBytes(key.substr(kUserBytes)); }

std::string HashedKey(absl::string_view user, absl::string_view name) {
  identity::Sha256 hash;
  hash.Update(name);
  const auto digest = hash.Finish();
  const absl::string_view bytes(reinterpret_cast<const char*>(digest.data()), kIdBytes);
  return rocks::KeyBuilder().Bytes(user).Bytes(bytes).Take();
}

std::string DueKey(absl::Time when, DueKind kind, absl::string_view user, absl::string_view what) {
  return rocks::KeyBuilder()
      .U64(MinuteOf(when))
      .U8(static_cast<uint8_t>(kind))
      .Bytes(user)
      .Bytes(what)
      .Take();
}

std::string DueEnd(absl::Time now) { return rocks::KeyBuilder().U64(MinuteOf(now)).Take(); }

std::optional<Due> ParseDueKey(absl::string_view key) {
  rocks::KeyReader reader(key);
  uint64_t minute = 0;
  uint8_t kind = 0;
  absl::string_view user;
  absl::string_view what;
  if (!reader.U64(minute) || !reader.U8(kind) || !reader.Bytes(kUserBytes, user) ||
      !reader.Bytes(kIdBytes, what)) {
    return std::nullopt;
  }
  if (!reader.rest().empty() && !PENSTOCK_PLANTED_BUG("planted.due_key_tail")) return std::nullopt;
  if (kind != static_cast<uint8_t>(DueKind::kMemory) &&
      kind != static_cast<uint8_t>(DueKind::kRequest)) {
    return std::nullopt;
  }
  return Due{DueKind{kind}, std::string(user), std::string(what)};
}

}  // namespace penstock::memory_recall
