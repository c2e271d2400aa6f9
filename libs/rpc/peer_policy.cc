#include "libs/rpc/peer_policy.h"

#include <utility>

#include <grpc/grpc_security_constants.h>

#include "libs/base/refusal.h"
#include "libs/rpc/certificates.h"

#include "absl/algorithm/container.h"
#include "absl/strings/escaping.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"

namespace penstock::rpc {
namespace {

absl::string_view View(grpc::string_ref text) { return {text.data(), text.size()}; }

std::vector<grpc::string_ref> NamesOf(const grpc::AuthContext& peer) {
  auto names = peer.FindPropertyValues(GRPC_PEER_DNS_PROPERTY_NAME);
  const auto uris = peer.FindPropertyValues(GRPC_PEER_URI_PROPERTY_NAME);
  names.insert(names.end(), uris.begin(), uris.end());
  return names;
}

std::string Shown(const std::vector<grpc::string_ref>& names) {
  if (names.empty()) return "no DNS name and no URI";
  return absl::CEscape(absl::StrJoin(names, ", ", [](std::string* out, grpc::string_ref name) {
    absl::StrAppend(out, View(name));
  }));
}

}  // namespace

PeerPolicy::PeerPolicy(absl::string_view service, absl::string_view setting,
                       std::vector<std::string> allowed, obs::Metrics& metrics)
    : service_(service),
      setting_(setting),
      allowed_(std::move(allowed)),
      refused_(metrics.AddCounter("penstock_tls_peers_refused_total",
                                  "Calls refused because the certificate may not make them.",
                                  {{"service", service_}})) {}

absl::Status PeerPolicy::Check(const grpc::AuthContext& peer) const {
  if (!peer.IsPeerAuthenticated()) {
    return Refuse(absl::StatusCode::kUnauthenticated,
                  absl::StrCat(service_, ": found no client certificate, one is required"));
  }
  if (allowed_.empty()) return absl::OkStatus();
  const std::vector<grpc::string_ref> names = NamesOf(peer);
  for (const grpc::string_ref& name : names) {
    const auto allows = [name](const std::string& allowed) {
      return NameMatches(allowed, View(name));
    };
    if (absl::c_any_of(allowed_, allows)) return absl::OkStatus();
  }
  return Refuse(absl::StatusCode::kPermissionDenied,
                absl::StrCat(service_, ": found a client certificate of ", Shown(names),
                             ", allowed ", absl::StrJoin(allowed_, ", "), " (", setting_, ")"));
}

absl::Status PeerPolicy::Refuse(absl::StatusCode code, absl::string_view message) const {
  refused_.Increment();
  return Refusal(code, "PEER_NOT_ALLOWED", message).With("service", service_);
}

}  // namespace penstock::rpc
