// How a token is refused, or sent away unjudged.
#pragma once

#include <string>

#include "libs/base/refusal.h"

#include "absl/strings/string_view.h"

namespace penstock::identity {

// UNAUTHENTICATED with `reason` and "token: " before the message, which says what to do next. `kid`
// goes into the metadata unless it is empty.
Refusal RefuseToken(absl::string_view reason, absl::string_view kid, absl::string_view message);

// UNAVAILABLE STORE_UNAVAILABLE with RetryInfo, and the same parts: the token can be judged neither
// good nor bad now.
Refusal CannotCheckToken(absl::string_view kid, absl::string_view message);

// In quotes, printable, at most 80 characters: for what a message may repeat of a caller's bytes.
std::string Quoted(absl::string_view text);

}  // namespace penstock::identity
