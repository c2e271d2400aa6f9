// The "user:password@" of a URL, which nobody may see.
#pragma once

#include <string>

#include "absl/strings/string_view.h"

namespace penstock::http {

// "user:password" of "http://user:password@host"; "" when there is none.
absl::string_view CredentialsOf(absl::string_view url);

// `text`, with "***" wherever it quotes the credentials of `url`.
std::string HideCredentials(std::string text, absl::string_view url);

}  // namespace penstock::http
