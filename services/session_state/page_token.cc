#include "services/session_state/page_token.h"

#include "libs/base/refusal.h"
#include "libs/identity/sha256.h"
#include "libs/rocksdb/key.h"

#include "absl/strings/escaping.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"

namespace penstock::session_state {
namespace {

// Raised when positions get another meaning: old tokens are refused then.
constexpr char kVersion = 1;
constexpr size_t kScopeBytes = 8;

}  // namespace

std::string ListScope(const identity::UserKey& user,
                      std::initializer_list<absl::string_view> kind_and_filters) {
  identity::Sha256 hash;
  hash.Update(user.bytes());
  for (const absl::string_view part : kind_and_filters) {
    hash.Update(rocks::KeyBuilder().U32(static_cast<uint32_t>(part.size())).Take());
    hash.Update(part);
  }
  const auto digest = hash.Finish();
  std::string scope(1, kVersion);
  scope.append(reinterpret_cast<const char*>(digest.data()), kScopeBytes);
  return scope;
}

std::string MakePageToken(absl::string_view scope, absl::string_view position) {
  if (position.empty()) return "";
  return absl::WebSafeBase64Escape(absl::StrCat(scope, position));
}

absl::StatusOr<std::string> ReadPageToken(absl::string_view scope, absl::string_view token) {
  if (token.empty()) return std::string();
  std::string bytes;
  if (!absl::WebSafeBase64Unescape(token, &bytes) || !absl::StartsWith(bytes, scope) ||
      bytes.size() == scope.size()) {
    return FieldInvalid("page_token", "a token of another list",
                        "next_page_token of the page before, with the same filters");
  }
  return bytes.substr(scope.size());
}

}  // namespace penstock::session_state
