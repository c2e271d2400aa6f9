// How one process listens and calls, as the sections `tls` and `server` of its configuration say.
#pragma once

#include <memory>
#include <optional>
#include <string>

#include <grpcpp/channel.h>

#include "libs/base/clock.h"
#include "libs/obs/metrics.h"
#include "libs/rpc/certificate_watch.h"
#include "libs/rpc/listener_options.h"
#include "libs/rpc/peer_policy.h"
#include "penstock/config/v1/config.pb.h"

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"

namespace penstock::rpc {

enum class ServiceId { kGateway, kDispatcher, kSessionState, kMemoryRecall, kProviderAdapter };

// Thread-safe. Must outlive the servers and channels that were made with it.
class Transport {
 public:
  // For `service`, which listens on `endpoint`; empty: nowhere, and it calls over in-process
  // channels, so there is no TLS whatever is configured. Reads the certificates; an error is
  // ReadCertificates'. Expects every default to be applied. The references outlive the transport.
  static absl::StatusOr<std::unique_ptr<Transport>> Create(ServiceId service,
                                                           absl::string_view endpoint,
                                                           const config::v1::Config& config,
                                                           const Clock& clock,
                                                           obs::Metrics& metrics);

  const ListenerOptions& listener() const { return listener_; }

  // Which certificates may call the service; null without TLS. For ServerEnvironment.
  const PeerPolicy* callers() const { return callers_ ? &*callers_ : nullptr; }

  // Which may ask the dispatcher's scaler; null without TLS, and for other services.
  const PeerPolicy* scaler_callers() const { return scaler_callers_ ? &*scaler_callers_ : nullptr; }

  // As rpc::OpenChannel. With TLS the other side must prove that it is `callee`.
  std::shared_ptr<grpc::Channel> OpenChannel(absl::string_view endpoint, ServiceId callee) const;

 private:
  Transport(const config::v1::Config& config, ServiceId service, obs::Metrics& metrics);

  const config::v1::Tls tls_;
  // Null without TLS.
  std::unique_ptr<CertificateWatch> certificates_;
  ListenerOptions listener_;
  std::optional<PeerPolicy> callers_;
  std::optional<PeerPolicy> scaler_callers_;
};

}  // namespace penstock::rpc
