// The provider-adapter as a part of a process: starts, serves, drains, stops.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "libs/host/environment.h"
#include "libs/host/service.h"

#include "absl/status/status.h"

namespace grpc {
class Channel;
}

namespace penstock::provider_adapter {

class ProviderAdapterProcess : public host::Service {
 public:
  // `endpoint`: where to listen; empty: in-process channels only.
  ProviderAdapterProcess(const host::Environment& environment, std::string endpoint);
  ~ProviderAdapterProcess() override;

  absl::string_view name() const override { return "provider-adapter"; }
  // Fails when an API key that the configuration names is not in the environment.
  absl::Status Start() override;
  std::vector<std::string> Listening() const override;
  // Open streams may run to their end; new calls are refused with UNAVAILABLE.
  void Drain(absl::Duration timeout) override;
  void Stop() override;

  // After Start.
  std::shared_ptr<grpc::Channel> InProcessChannel();

 private:
  struct Parts;

  const host::Environment environment_;
  const std::string endpoint_;
  std::unique_ptr<Parts> parts_;
};

}  // namespace penstock::provider_adapter
