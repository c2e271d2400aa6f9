// Which certificates may call a service.
#pragma once

#include <string>
#include <vector>

#include <grpcpp/security/auth_context.h>

#include "libs/obs/metrics.h"

#include "absl/status/status.h"
#include "absl/strings/string_view.h"

namespace penstock::rpc {

// Thread-safe.
class PeerPolicy {
 public:
  // `service`: "session-state". `setting`: where `allowed` comes from, "tls.session_state_callers".
  // `allowed`: patterns of NameMatches; empty: every certificate that the authorities vouch for.
  PeerPolicy(absl::string_view service, absl::string_view setting, std::vector<std::string> allowed,
             obs::Metrics& metrics);

  // Asked for every call, of the peer that its handshake has verified. UNAUTHENTICATED without a
  // certificate, PERMISSION_DENIED when none of its DNS names and URIs is allowed; both with reason
  // PEER_NOT_ALLOWED, and counted (penstock_tls_peers_refused_total). The common name does not
  // count.
  absl::Status Check(const grpc::AuthContext& peer) const;

 private:
  absl::Status Refuse(absl::StatusCode code, absl::string_view message) const;

  const std::string service_;
  const std::string setting_;
  const std::vector<std::string> allowed_;
  prometheus::Counter& refused_;
};

}  // namespace penstock::rpc
