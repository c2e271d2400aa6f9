#include "libs/http/url_credentials.h"

#include <utility>

#include "absl/strings/str_replace.h"

namespace penstock::http {

absl::string_view CredentialsOf(absl::string_view url) {
  if (const size_t scheme = url.find("://"); scheme != absl::string_view::npos) {
    url.remove_prefix(scheme + 3);
  }
  // A password may hold an @, a host may not.
  const size_t at = url.substr(0, url.find_first_of("/?#")).rfind('@');
  return at == absl::string_view::npos ? absl::string_view() : url.substr(0, at);
}

std::string HideCredentials(std::string text, absl::string_view url) {
  const absl::string_view credentials = CredentialsOf(url);
  if (credentials.empty()) return text;
  return absl::StrReplaceAll(text, {{credentials, "***"}});
}

}  // namespace penstock::http
