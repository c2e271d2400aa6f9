#include "services/dispatcher/scaler_listener.h"

#include <utility>

#include "libs/base/status_macros.h"
#include "libs/host/endpoint.h"
#include "libs/rpc/server_host.h"
#include "libs/rpc/transport.h"
#include "services/dispatcher/scaler_service.h"

namespace penstock::dispatcher {
namespace {

constexpr absl::Duration kShutdownGrace = absl::Milliseconds(500);

// The certificate says who calls; there is no user.
class NoUser final : public identity::Authenticator {
 public:
  absl::StatusOr<identity::Principal> Authenticate(const identity::Credentials& /*credentials*/,
                                                   absl::Time /*now*/) const override {
    return identity::Principal();
  }
};

}  // namespace

// In the order of their construction; destroyed in reverse.
struct ScalerListener::Parts {
  Parts(const host::Environment& environment, const Scaler& scaler, const rpc::Transport& transport)
      : rpc{environment.executor, no_user, environment.clock, environment.metrics,
            transport.scaler_callers()},
        service(scaler, environment.timers, rpc) {}

  const NoUser no_user;
  const rpc::ServerEnvironment rpc;
  ScalerService service;
  std::unique_ptr<rpc::ServerHost> host;
};

absl::StatusOr<std::unique_ptr<ScalerListener>> ScalerListener::Start(
    const host::Environment& environment, const Scaler& scaler, const rpc::Transport& transport) {
  const std::string& endpoint = environment.config.endpoints().scaler();
  PENSTOCK_ASSIGN_OR_RETURN(const host::Endpoint listener, host::ParseEndpoint(endpoint));
  PENSTOCK_RETURN_IF_ERROR(host::CheckListener(listener, environment.config));
  auto parts = std::make_unique<Parts>(environment, scaler, transport);
  rpc::ListenerOptions options = transport.listener();
  // The gauges of connections are those of the dispatcher's other listener.
  options.metrics = nullptr;
  PENSTOCK_ASSIGN_OR_RETURN(parts->host,
                            rpc::ServerHost::Start(endpoint, {&parts->service}, options));
  parts->host->SetServing(true);
  return std::unique_ptr<ScalerListener>(new ScalerListener(std::move(parts)));
}

ScalerListener::ScalerListener(std::unique_ptr<Parts> parts) : parts_(std::move(parts)) {}

ScalerListener::~ScalerListener() {
  parts_->service.EndStreams();
  parts_->host->Shutdown(kShutdownGrace);
}

std::string ScalerListener::endpoint() const { return parts_->host->endpoint(); }

}  // namespace penstock::dispatcher
