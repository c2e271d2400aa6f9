// The dispatcher as a part of a process: opens its journal, recovers, serves, drains, stops.
#pragma once

#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "libs/host/environment.h"
#include "libs/host/service.h"

#include "absl/status/statusor.h"

namespace grpc {
class Channel;
}

namespace penstock::rpc {
class Transport;
}

namespace penstock::dispatcher {

class DispatcherProcess : public host::Service {
 public:
  // How another service is reached; asked in Start.
  using Open = std::function<std::shared_ptr<grpc::Channel>(const rpc::Transport& transport)>;
  struct Channels {
    Open session_state;
    Open memory_recall;
    // The only one there is; not asked when `adapters` says where they are.
    Open provider_adapter;
    // "host:port", looked up again and again, or "unix:path".
    std::string adapters = {};
  };

  // `endpoint`: where to listen; empty: in-process channels only.
  DispatcherProcess(const host::Environment& environment, std::string endpoint, Channels channels);
  ~DispatcherProcess() override;

  absl::string_view name() const override { return "dispatcher"; }
  absl::Status Start() override;
  std::vector<std::string> Listening() const override;
  void Reload(const config::v1::Config& config) override;
  void Drain(absl::Duration timeout) override;
  void Stop() override;

  // After Start.
  std::shared_ptr<grpc::Channel> InProcessChannel();

 private:
  struct Parts;

  absl::Status ReachAdapters(Parts& parts) const;

  const host::Environment environment_;
  const std::string endpoint_;
  const Channels channels_;
  std::unique_ptr<Parts> parts_;
};

}  // namespace penstock::dispatcher
