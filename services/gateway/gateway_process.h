// The gateway as a part of a process: listens, serves, drains, stops.
#pragma once

#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "libs/host/environment.h"
#include "libs/host/service.h"

namespace grpc {
class Channel;
}

namespace penstock::rpc {
class Transport;
}

namespace penstock::gateway {

class GatewayProcess final : public host::Service {
 public:
  // How another service is reached; asked in Start.
  using Open = std::function<std::shared_ptr<grpc::Channel>(const rpc::Transport& transport)>;
  struct Channels {
    Open dispatcher;
    Open session_state;
    Open memory_recall;
  };

  // `endpoint`: where to listen; empty: in-process channels only.
  GatewayProcess(const host::Environment& environment, std::string endpoint, Channels channels);
  ~GatewayProcess() override;

  absl::string_view name() const override { return "gateway"; }
  // kInvalidArgument or kFailedPrecondition when endpoints.gateway is malformed or would be open to
  // other machines without TLS, for bad keys and certificates; kUnavailable when the address is
  // taken.
  absl::Status Start() override;
  std::vector<std::string> Listening() const override;
  // New calls are refused with DRAINING; those that run may end.
  void Reload(const config::v1::Config& config) override;
  void Drain(absl::Duration timeout) override;
  // Calls that still run end with DRAINING: their turns go on, and can be watched elsewhere.
  void Stop() override;

  // After Start.
  std::shared_ptr<grpc::Channel> InProcessChannel();

 private:
  struct Parts;

  const host::Environment environment_;
  const std::string endpoint_;
  const Channels channels_;
  std::unique_ptr<Parts> parts_;
};

}  // namespace penstock::gateway
