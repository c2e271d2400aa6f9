// Whatever stands in the journal, reading it ends in unfinished turns or a status.
#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <string>

#include "libs/identity/journaled.h"
#include "services/dispatcher/queue/journal_keys.h"
#include "services/dispatcher/queue/journal_reader.h"

#include "absl/strings/str_cat.h"

namespace {

// Takes `length` bytes, the first byte of what is left, off its front.
absl::string_view TakePiece(absl::string_view& rest) {
  if (rest.empty()) return rest;
  const size_t length =
      std::min(rest.size() - 1, static_cast<size_t>(static_cast<uint8_t>(rest[0])));
  const absl::string_view piece = rest.substr(1, length);
  rest.remove_prefix(1 + length);
  return piece;
}

// The key that the record in `value` belongs under, so that not every input is refused for its key:
// behind the user in it, or the last one that was found. `key` itself when there is none.
std::string RightKey(absl::string_view key, absl::string_view value, std::string& user) {
  penstock::dispatcher::v1::Submitted submitted;
  const auto versions = penstock::dispatcher::kRecordVersions;
  if (penstock::rocks::ParseFramed(value, versions, submitted).ok()) {
    const auto found = penstock::identity::UserKeyOfJournaled(submitted.tenant(), submitted.user());
    user = std::string(found.bytes());
  }
  return absl::StrCat(user, key);
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  absl::string_view rest(reinterpret_cast<const char*>(data), size);
  penstock::dispatcher::JournalReader reader(3, 1);
  std::string user;
  while (!rest.empty()) {
    const absl::string_view piece = TakePiece(rest);
    const absl::string_view value = TakePiece(rest);
    const std::string key = RightKey(piece, value, user);
    reader.ReadTurn(key, value).IgnoreError();
    reader.ReadJob(key, value).IgnoreError();
    penstock::dispatcher::IdemKeyOfDue(key);
    const auto parts = penstock::dispatcher::ParseTurnKey(key);
    if (parts && parts->turn.size() >= key.size()) __builtin_trap();
  }
  const auto recovered = std::move(reader).Finish();
  if (recovered.shards.size() != 3) __builtin_trap();
  return 0;
}
