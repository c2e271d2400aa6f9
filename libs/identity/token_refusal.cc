#include "libs/identity/token_refusal.h"

#include "absl/strings/escaping.h"
#include "absl/strings/str_cat.h"

namespace penstock::identity {
namespace {

constexpr size_t kShownBytes = 80;

// Never cuts a character in two: what is not ASCII is escaped.
std::string Printable(absl::string_view text) {
  std::string shown = absl::CHexEscape(text.substr(0, kShownBytes));
  if (text.size() > kShownBytes) absl::StrAppend(&shown, "...");
  return shown;
}

}  // namespace

Refusal RefuseToken(absl::string_view reason, absl::string_view kid, absl::string_view message) {
  Refusal refusal(absl::StatusCode::kUnauthenticated, reason, absl::StrCat("token: ", message));
  if (!kid.empty()) refusal.With("kid", Printable(kid));
  return refusal;
}

std::string Quoted(absl::string_view text) { return absl::StrCat("\"", Printable(text), "\""); }

}  // namespace penstock::identity
