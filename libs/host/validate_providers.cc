#include "libs/host/validate_providers.h"

#include "libs/base/status_macros.h"
#include "libs/host/endpoint.h"
#include "libs/host/found_allowed.h"

#include "absl/algorithm/container.h"
#include "absl/strings/ascii.h"
#include "absl/strings/match.h"
#include "absl/strings/strip.h"

namespace penstock::host {
namespace {

using config::v1::Provider;

// What follows "scheme://", up to the path.
absl::string_view AuthorityOf(absl::string_view url) {
  const size_t scheme = url.find("://");
  if (scheme != absl::string_view::npos) url.remove_prefix(scheme + 3);
  return url.substr(0, url.find('/'));
}

absl::Status CheckBaseUrl(const std::string& path, const Provider& provider) {
  if (!absl::StrContains(AuthorityOf(provider.base_url()), '@')) return absl::OkStatus();
  return Wrong(path + ".base_url",
               "must not hold a user or password; the key stands in api_key_env or api_key_file");
}

absl::Status CheckKey(const std::string& path, const Provider& provider) {
  if (provider.api_key_env().empty() || provider.api_key_file().empty()) return absl::OkStatus();
  return FoundAllowed(path + ".api_key_file", provider.api_key_file(),
                      "only without api_key_env, which is set too");
}

absl::Status CheckVersion(const std::string& path, const Provider& provider) {
  if (provider.http_version() == "auto" || provider.http_version() == "1.1") {
    return absl::OkStatus();
  }
  return FoundAllowed(path + ".http_version", provider.http_version(), "auto or 1.1");
}

bool IsProxy(absl::string_view proxy) {
  if (!absl::ConsumePrefix(&proxy, "http://") && !absl::ConsumePrefix(&proxy, "socks5h://")) {
    return false;
  }
  const auto unfit = [](char c) {
    return !absl::ascii_isgraph(static_cast<unsigned char>(c)) || absl::StrContains("/?#", c);
  };
  if (absl::c_any_of(proxy, unfit)) return false;
  // A password may hold an @, a host may not.
  if (const size_t at = proxy.rfind('@'); at != absl::string_view::npos) {
    proxy.remove_prefix(at + 1);
  }
  const absl::StatusOr<Endpoint> endpoint = ParseEndpoint(proxy);
  return endpoint.ok() && !endpoint->is_unix() && endpoint->port != 0;
}

absl::Status CheckProxy(const std::string& path, const Provider& provider) {
  if (provider.proxy().empty() || IsProxy(provider.proxy())) return absl::OkStatus();
  // Not shown: it may hold a password.
  return Wrong(path + ".proxy",
               "must be http://host:port or socks5h://host:port, where user:password@ may stand "
               "before the host");
}

}  // namespace

absl::Status ValidateProvider(const std::string& path, const Provider& provider) {
  PENSTOCK_RETURN_IF_ERROR(CheckBaseUrl(path, provider));
  PENSTOCK_RETURN_IF_ERROR(CheckKey(path, provider));
  PENSTOCK_RETURN_IF_ERROR(CheckVersion(path, provider));
  return CheckProxy(path, provider);
}

}  // namespace penstock::host
