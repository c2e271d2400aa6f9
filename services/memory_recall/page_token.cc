#include "services/memory_recall/page_token.h"

#include "libs/base/refusal.h"
#include "libs/identity/sha256.h"
#include "services/memory_recall/memory_id.h"

#include "absl/strings/escaping.h"
#include "absl/strings/str_cat.h"

namespace penstock::memory_recall {
namespace {

constexpr size_t kIdBytes = 16;
constexpr size_t kCheckBytes = 8;

// The token names only a place among the user's own memories, so it needs no secret: the check is
// there to refuse a token that was mixed up with another user's, instead of answering nonsense.
std::string CheckOf(identity::UserKey user, absl::string_view id_bytes) {
  identity::Sha256 hash;
  hash.Update("ListMemories");
  hash.Update(user.bytes());
  hash.Update(id_bytes);
  const auto digest = hash.Finish();
  return {reinterpret_cast<const char*>(digest.data()), kCheckBytes};
}

}  // namespace

std::string PageTokenOf(identity::UserKey user, absl::string_view id) {
  const std::string bytes = BytesOfId(id);
  return absl::WebSafeBase64Escape(absl::StrCat(bytes, CheckOf(user, bytes)));
}

absl::StatusOr<std::string> ParsePageToken(identity::UserKey user, absl::string_view token) {
  if (token.empty()) return "";
  std::string bytes;
  if (absl::WebSafeBase64Unescape(token, &bytes) && bytes.size() == kIdBytes + kCheckBytes &&
      bytes.substr(kIdBytes) == CheckOf(user, bytes.substr(0, kIdBytes))) {
    return IdOfBytes(absl::string_view(bytes).substr(0, kIdBytes));
  }
  return FieldInvalid("page_token", "a token that ListMemories did not give",
                      "\"\" or the next_page_token of the page before");
}

}  // namespace penstock::memory_recall
