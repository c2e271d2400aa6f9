#include "libs/http/http_stream_client.h"

#include "absl/strings/ascii.h"
#include "absl/strings/match.h"

namespace penstock::http {

std::optional<absl::string_view> HttpHeaders::Find(absl::string_view name) const {
  absl::string_view rest = lines_;
  while (!rest.empty()) {
    const size_t end = rest.find('\n');
    const absl::string_view line = rest.substr(0, end);
    rest.remove_prefix(end == absl::string_view::npos ? rest.size() : end + 1);
    if (line.size() > name.size() && line[name.size()] == ':' &&
        absl::EqualsIgnoreCase(line.substr(0, name.size()), name)) {
      return absl::StripAsciiWhitespace(line.substr(name.size() + 1));
    }
  }
  return std::nullopt;
}

absl::string_view HttpOutcomeName(HttpOutcome::Kind kind) {
  switch (kind) {
    case HttpOutcome::Kind::kOk:
      return "OK";
    case HttpOutcome::Kind::kConnectFailed:
      return "CONNECT_FAILED";
    case HttpOutcome::Kind::kTls:
      return "TLS";
    case HttpOutcome::Kind::kReset:
      return "RESET";
    case HttpOutcome::Kind::kProtocol:
      return "PROTOCOL";
    case HttpOutcome::Kind::kTooLarge:
      return "TOO_LARGE";
    case HttpOutcome::Kind::kTimeoutConnect:
      return "TIMEOUT_CONNECT";
    case HttpOutcome::Kind::kTimeoutFirstByte:
      return "TIMEOUT_FIRST_BYTE";
    case HttpOutcome::Kind::kTimeoutIdle:
      return "TIMEOUT_IDLE";
    case HttpOutcome::Kind::kTimeoutTotal:
      return "TIMEOUT_TOTAL";
    case HttpOutcome::Kind::kCancelled:
      return "CANCELLED";
  }
  return "UNKNOWN";
}

}  // namespace penstock::http
