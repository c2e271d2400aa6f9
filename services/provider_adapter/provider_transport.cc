#include "services/provider_adapter/provider_transport.h"

#include <algorithm>

#include "libs/base/proto_time.h"
#include "libs/base/refusal.h"
#include "libs/base/status_macros.h"
#include "libs/http/certificate_file.h"

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"

namespace penstock::provider_adapter {
namespace {

absl::Status CheckRoom(const config::v1::Provider& provider, absl::string_view path) {
  const int needed = provider.max_streams() / http::kMaxStreamsPerConnection +
                     (provider.max_streams() % http::kMaxStreamsPerConnection != 0 ? 1 : 0);
  if (provider.max_connections() >= needed) return absl::OkStatus();
  return FieldInvalid(
      absl::StrCat(path, ".max_connections"), absl::StrCat(provider.max_connections()),
      absl::StrCat("at least ", needed, ": max_streams is ", provider.max_streams(),
                   ", and a connection takes ", http::kMaxStreamsPerConnection, " streams"));
}

}  // namespace

absl::StatusOr<std::shared_ptr<http::HttpTransport>> TransportOf(
    const config::v1::Provider& provider, absl::string_view path) {
  auto transport = std::make_shared<http::HttpTransport>();
  if (provider.http_version() == "auto" && absl::StartsWith(provider.base_url(), "https://")) {
    PENSTOCK_RETURN_IF_ERROR(CheckRoom(provider, path));
    transport->version = http::HttpVersion::kNegotiated;
    transport->max_connections = provider.max_connections();
  }
  if (!provider.ca_file().empty()) {
    if (const absl::Status file = http::CheckCertificateFile(provider.ca_file()); !file.ok()) {
      return FieldInvalid(absl::StrCat(path, ".ca_file"),
                          absl::StrCat(provider.ca_file(), ", which ", file.message()),
                          "a PEM file with certificates");
    }
    transport->ca_file = provider.ca_file();
  }
  // One for every stream that may be open.
  transport->max_kept_connections = std::max(provider.max_streams(), 1);
  transport->max_connection_age = FromProto(provider.max_connection_age());
  transport->proxy = provider.proxy();
  return transport;
}

}  // namespace penstock::provider_adapter
