#include "libs/host/endpoint.h"

#include <arpa/inet.h>
#include <sys/un.h>

#include "absl/strings/escaping.h"
#include "absl/strings/match.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/strip.h"

namespace penstock::host {
namespace {

// The path and its final NUL must fit.
constexpr size_t kMaxUnixPathBytes = sizeof(sockaddr_un{}.sun_path) - 1;

absl::Status Malformed(absl::string_view text) {
  return absl::InvalidArgumentError(
      absl::StrCat("found \"", absl::CEscape(text.substr(0, 200)),
                   "\", allowed \"host:port\", \"[IPv6 address]:port\" or \"unix:path\""));
}

absl::StatusOr<Endpoint> ParseUnix(absl::string_view text, absl::string_view path) {
  if (path.empty() || path.find('\0') != absl::string_view::npos) return Malformed(text);
  if (path.size() > kMaxUnixPathBytes) {
    return absl::InvalidArgumentError(absl::StrCat("found a Unix socket path of ", path.size(),
                                                   " bytes, allowed at most ", kMaxUnixPathBytes,
                                                   ": ", absl::CEscape(path.substr(0, 200))));
  }
  Endpoint endpoint;
  endpoint.unix_path = std::string(path);
  return endpoint;
}

bool IsIpv6(const std::string& host) {
  in6_addr address;
  return inet_pton(AF_INET6, host.c_str(), &address) == 1;
}

bool IsName(absl::string_view host) {
  for (const char c : host) {
    if (!absl::ascii_isalnum(static_cast<unsigned char>(c)) && c != '.' && c != '-' && c != '_') {
      return false;
    }
  }
  return !host.empty() && host.size() <= 253;
}

bool ParsePort(absl::string_view text, uint16_t& port) {
  for (const char c : text) {
    if (!absl::ascii_isdigit(static_cast<unsigned char>(c))) return false;
  }
  uint32_t number = 0;
  if (!absl::SimpleAtoi(text, &number) || number > 65535) return false;
  port = static_cast<uint16_t>(number);
  return true;
}

}  // namespace

std::string Endpoint::ToString() const {
  if (is_unix()) return absl::StrCat("unix:", unix_path);
  if (absl::StrContains(host, ':')) return absl::StrCat("[", host, "]:", port);
  return absl::StrCat(host, ":", port);
}

absl::StatusOr<Endpoint> ParseEndpoint(absl::string_view text) {
  if (absl::StartsWith(text, "unix:")) return ParseUnix(text, text.substr(5));

  const size_t colon = text.rfind(':');
  if (colon == absl::string_view::npos) return Malformed(text);
  Endpoint endpoint;
  if (!ParsePort(text.substr(colon + 1), endpoint.port)) return Malformed(text);

  absl::string_view host = text.substr(0, colon);
  if (absl::ConsumePrefix(&host, "[") && absl::ConsumeSuffix(&host, "]")) {
    endpoint.host = std::string(host);
    if (!IsIpv6(endpoint.host)) return Malformed(text);
  } else {
    endpoint.host = std::string(host);
    if (!IsName(host)) return Malformed(text);
  }
  return endpoint;
}

bool IsLoopback(const Endpoint& endpoint) {
  if (endpoint.is_unix()) return false;
  if (endpoint.host == "localhost") return true;
  in_addr v4;
  if (inet_pton(AF_INET, endpoint.host.c_str(), &v4) == 1) return (ntohl(v4.s_addr) >> 24) == 127;
  in6_addr v6;
  if (inet_pton(AF_INET6, endpoint.host.c_str(), &v6) != 1) return false;
  if (IN6_IS_ADDR_LOOPBACK(&v6)) return true;
  return IN6_IS_ADDR_V4MAPPED(&v6) && v6.s6_addr[12] == 127;
}

absl::Status CheckListener(const Endpoint& endpoint, const config::v1::Config& config) {
  if (endpoint.is_unix() || IsLoopback(endpoint)) return absl::OkStatus();
  if (!config.tls().cert_file().empty() || config.endpoints().insecure()) return absl::OkStatus();
  return absl::FailedPreconditionError(absl::StrCat(
      endpoint.ToString(),
      " can be reached from other machines, and nothing says how it is secured. Set tls.cert_file, "
      "tls.key_file and tls.ca_file, listen on a loopback address (127.0.0.1:",
      endpoint.port,
      ") or a Unix socket (unix:path), or set endpoints.insecure: true if the network itself is "
      "protected"));
}

}  // namespace penstock::host
