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

namespace penstock::gateway {

class GatewayProcess final : public host::Service {
 public:
  // How the other services are reached; called in Start.
  struct Channels {
    std::function<std::shared_ptr<grpc::Channel>()> dispatcher;
    std::function<std::shared_ptr<grpc::Channel>()> session_state;
    std::function<std::shared_ptr<grpc::Channel>()> memory_recall;
  };

  // `endpoint`: where to listen; empty: in-process channels only.
  GatewayProcess(const host::Environment& environment, std::string endpoint, Channels channels);
  ~GatewayProcess() override;

  absl::string_view name() const override { return "gateway"; }
  // kInvalidArgument or kFailedPrecondition when endpoints.gateway is malformed or would be open to
  // other machines without TLS, and for bad keys; kUnavailable when the address is taken.
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
