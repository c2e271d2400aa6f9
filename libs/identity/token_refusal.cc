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

Refusal AboutToken(absl::StatusCode code, absl::string_view reason, absl::string_view kid,
                   absl::string_view message) {
  Refusal refusal(code, reason, absl::StrCat("token: ", message));
  if (!kid.empty()) refusal.With("kid", Printable(kid));
  return refusal;
}

}  // namespace

Refusal RefuseToken(absl::string_view reason, absl::string_view kid, absl::string_view message) {
  return AboutToken(absl::StatusCode::kUnauthenticated, reason, kid, message);
}

Refusal CannotCheckToken(absl::string_view kid, absl::string_view message) {
  return AboutToken(absl::StatusCode::kUnavailable, "STORE_UNAVAILABLE", kid, message)
      .RetryAfter(absl::Seconds(1));
}

std::string Quoted(absl::string_view text) { return absl::StrCat("\"", Printable(text), "\""); }

}  // namespace penstock::identity
