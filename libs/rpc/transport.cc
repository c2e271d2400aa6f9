#include "libs/rpc/transport.h"

#include <array>
#include <utility>
#include <vector>

#include "libs/base/proto_time.h"
#include "libs/base/status_macros.h"
#include "libs/rpc/channel.h"
#include "libs/rpc/tls_credentials.h"

#include "absl/strings/str_cat.h"

namespace penstock::rpc {
namespace {

using config::v1::Tls;
using Names = google::protobuf::RepeatedPtrField<std::string>;

// What the configuration says of one service.
struct Edge {
  absl::string_view own_name;
  absl::string_view callers_setting;
  std::vector<std::string> usual_callers;
  const Names& (Tls::*callers)() const;
  const std::string& (Tls::*name)() const;
};

// In the order of ServiceId.
const Edge& EdgeOf(ServiceId service) {
  static const auto* edges = new std::array<Edge, 5>{{
      {"gateway", "tls.gateway_callers", {}, &Tls::gateway_callers, &Tls::gateway_name},
      {"dispatcher",
       "tls.dispatcher_callers",
       {"gateway"},
       &Tls::dispatcher_callers,
       &Tls::dispatcher_name},
      {"session-state",
       "tls.session_state_callers",
       {"gateway", "dispatcher"},
       &Tls::session_state_callers,
       &Tls::session_state_name},
      {"memory-recall",
       "tls.memory_recall_callers",
       {"gateway", "dispatcher"},
       &Tls::memory_recall_callers,
       &Tls::memory_recall_name},
      {"provider-adapter",
       "tls.provider_adapter_callers",
       {"dispatcher"},
       &Tls::provider_adapter_callers,
       &Tls::provider_adapter_name},
  }};
  return (*edges)[static_cast<size_t>(service)];
}

PeerPolicy PolicyOf(const Edge& edge, const Tls& tls, obs::Metrics& metrics) {
  const Names& configured = (tls.*edge.callers)();
  std::vector<std::string> allowed(configured.begin(), configured.end());
  if (allowed.empty()) allowed = edge.usual_callers;
  return PeerPolicy(edge.own_name, edge.callers_setting, std::move(allowed), metrics);
}

}  // namespace

Transport::Transport(const config::v1::Config& config, ServiceId service, obs::Metrics& metrics)
    : tls_(config.tls()), listener_(ListenerOptionsOf(config, service == ServiceId::kGateway)) {
  listener_.metrics = &metrics;
}

absl::StatusOr<std::unique_ptr<Transport>> Transport::Create(ServiceId service,
                                                             absl::string_view endpoint,
                                                             const config::v1::Config& config,
                                                             const Clock& clock,
                                                             obs::Metrics& metrics) {
  auto transport = std::unique_ptr<Transport>(new Transport(config, service, metrics));
  const Tls& tls = config.tls();
  if (endpoint.empty() || tls.cert_file().empty()) return transport;
  PENSTOCK_ASSIGN_OR_RETURN(
      transport->certificates_,
      CertificateWatch::Start({.certificate = {"tls.cert_file", tls.cert_file()},
                               .key = {"tls.key_file", tls.key_file()},
                               .authorities = {"tls.ca_file", tls.ca_file()}},
                              FromProto(tls.reload_interval()), clock, metrics));
  transport->callers_.emplace(PolicyOf(EdgeOf(service), tls, metrics));
  if (service == ServiceId::kDispatcher) {
    const Names& names = tls.scaler_callers();
    transport->scaler_callers_.emplace("scaler", "tls.scaler_callers",
                                       std::vector<std::string>(names.begin(), names.end()),
                                       metrics);
  }
  transport->listener_.credentials = ServerTls(transport->certificates_->provider());
  return transport;
}

std::shared_ptr<grpc::Channel> Transport::OpenChannel(absl::string_view endpoint,
                                                      ServiceId callee) const {
  if (certificates_ == nullptr) return rpc::OpenChannel(endpoint);
  const Edge& edge = EdgeOf(callee);
  const std::string& configured = (tls_.*edge.name)();
  return rpc::OpenChannel(endpoint,
                          ClientTls(certificates_->provider(),
                                    configured.empty() ? std::string(edge.own_name) : configured));
}

}  // namespace penstock::rpc
