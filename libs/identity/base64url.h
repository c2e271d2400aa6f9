// Base64url without padding (RFC 7515, appendix C).
#pragma once

#include <optional>
#include <string>

#include "absl/strings/string_view.h"

namespace penstock::identity {

// Only the canonical form, so that one value has one spelling: no padding, no white space, no
// characters of plain base64, unused bits zero. nullopt otherwise.
std::optional<std::string> DecodeBase64Url(absl::string_view text);

std::string EncodeBase64Url(absl::string_view bytes);

}  // namespace penstock::identity
