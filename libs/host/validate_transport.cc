#include "libs/host/validate_transport.h"

#include <string>
#include <utility>

#include "libs/base/proto_time.h"
#include "libs/base/status_macros.h"
#include "libs/host/found_allowed.h"

#include "absl/algorithm/container.h"
#include "absl/strings/ascii.h"
#include "absl/strings/match.h"
#include "absl/strings/str_split.h"
#include "absl/strings/strip.h"
#include "absl/time/time.h"

namespace penstock::host {
namespace {

// libs/rpc/channel.cc: how often a service asks whether the other side lives.
constexpr absl::Duration kOwnPings = absl::Seconds(30);

bool IsLabel(absl::string_view label) {
  const auto fits = [](char c) {
    return absl::ascii_isalnum(static_cast<unsigned char>(c)) || c == '-' || c == '_';
  };
  return !label.empty() && label.size() <= 63 && absl::c_all_of(label, fits);
}

bool IsDnsName(absl::string_view name) {
  return name.size() <= 253 && absl::c_all_of(absl::StrSplit(name, '.'), IsLabel);
}

bool IsUri(absl::string_view name) {
  const auto unfit = [](char c) { return !absl::ascii_isgraph(static_cast<unsigned char>(c)); };
  const size_t scheme = name.find("://");
  return scheme != absl::string_view::npos && scheme > 0 && scheme + 3 < name.size() &&
         name.size() <= 2048 && !absl::c_any_of(name, unfit);
}

absl::Status CheckFiles(const config::v1::Tls& tls) {
  const std::pair<absl::string_view, const std::string&> others[] = {
      {"tls.key_file", tls.key_file()}, {"tls.ca_file", tls.ca_file()}};
  for (const auto& [path, file] : others) {
    if (tls.cert_file().empty() == file.empty()) continue;
    if (file.empty()) return Wrong(path, "required with tls.cert_file, and absent");
    return Wrong("tls.cert_file", absl::StrCat("required with ", path, ", and absent"));
  }
  return absl::OkStatus();
}

using Names = google::protobuf::RepeatedPtrField<std::string>;

absl::Status CheckCallers(absl::string_view path, const Names& callers) {
  for (int i = 0; i < callers.size(); ++i) {
    absl::string_view name = callers[i];
    if (IsUri(name)) continue;
    absl::ConsumePrefix(&name, "*.");
    if (IsDnsName(name)) continue;
    return FoundAllowed(absl::StrCat(path, "[", i, "]"), callers[i],
                        "a DNS name, with or without *. at its front, or a URI");
  }
  return absl::OkStatus();
}

absl::Status CheckName(absl::string_view path, absl::string_view name) {
  if (name.empty() || IsUri(name) || IsDnsName(name)) return absl::OkStatus();
  return FoundAllowed(path, name, "a DNS name or a URI");
}

absl::Status CheckTls(const config::v1::Tls& tls) {
  PENSTOCK_RETURN_IF_ERROR(CheckFiles(tls));
  const std::pair<absl::string_view, const Names&> callers[] = {
      {"tls.gateway_callers", tls.gateway_callers()},
      {"tls.dispatcher_callers", tls.dispatcher_callers()},
      {"tls.session_state_callers", tls.session_state_callers()},
      {"tls.memory_recall_callers", tls.memory_recall_callers()},
      {"tls.provider_adapter_callers", tls.provider_adapter_callers()},
      {"tls.scaler_callers", tls.scaler_callers()}};
  for (const auto& [path, list] : callers) PENSTOCK_RETURN_IF_ERROR(CheckCallers(path, list));
  const std::pair<absl::string_view, const std::string&> names[] = {
      {"tls.gateway_name", tls.gateway_name()},
      {"tls.dispatcher_name", tls.dispatcher_name()},
      {"tls.session_state_name", tls.session_state_name()},
      {"tls.memory_recall_name", tls.memory_recall_name()},
      {"tls.provider_adapter_name", tls.provider_adapter_name()}};
  for (const auto& [path, name] : names) PENSTOCK_RETURN_IF_ERROR(CheckName(path, name));
  return absl::OkStatus();
}

}  // namespace

absl::Status ValidateTransport(const config::v1::Config& config) {
  PENSTOCK_RETURN_IF_ERROR(CheckTls(config.tls()));
  const absl::Duration pings = FromProto(config.server().min_ping_interval());
  if (pings < kOwnPings) return absl::OkStatus();
  return FoundAllowed("server.min_ping_interval", absl::FormatDuration(pings),
                      "less than 30s, which is how often services ping each other");
}

}  // namespace penstock::host
