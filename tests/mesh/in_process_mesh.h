// All five services in this process, as standalone wires them, with the provider simulator beside.
#pragma once

#include <memory>
#include <string>
#include <thread>

#include <grpcpp/channel.h>

#include "libs/host/runtime.h"
#include "penstock/config/v1/config.pb.h"
#include "services/dispatcher/dispatcher_process.h"
#include "services/gateway/gateway_process.h"
#include "services/memory_recall/memory_recall_process.h"
#include "services/provider_adapter/provider_adapter_process.h"
#include "services/session_state/session_state_process.h"
#include "tests/harness/caller.h"
#include "tests/harness/mesh_config.h"
#include "tests/harness/tokens.h"
#include "tests/providersim/server.h"

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"

namespace penstock::mesh {

// Not thread-safe; the channels and callers it gives are.
class InProcessMesh {
 public:
  // `settings` change deploy/config/five.yaml, over harness::WithoutLimits. The first `providers`
  // entries of `providers` get the simulator's address.
  static absl::StatusOr<std::unique_ptr<InProcessMesh>> Start(const harness::Settings& settings,
                                                              int providers = 1);
  ~InProcessMesh();

  const harness::Tokens& tokens() const { return *tokens_; }
  const config::v1::Config& config() const { return config_; }

  // Of the simulator, as `providers[].base_url` has it.
  std::string provider_url() const { return simulator_->url(); }

  // Of all five services.
  const obs::Metrics& metrics() const { return *metrics_; }

  // One connection to the gateway, over a Unix socket: what travels is real HTTP/2.
  std::shared_ptr<grpc::Channel> ConnectToGateway() const;

  // To an internal service by the full name of its contract ("penstock.session.v1.SessionState");
  // null for one that is not known here.
  std::shared_ptr<grpc::Channel> ChannelTo(absl::string_view service);

 private:
  InProcessMesh() = default;

  absl::Status StartSimulator();
  absl::Status StartServices(const harness::Settings& settings, int providers);

  std::string folder_;
  std::unique_ptr<providersim::Server> simulator_;
  std::thread simulator_thread_;
  config::v1::Config config_;
  std::unique_ptr<harness::Tokens> tokens_;
  std::unique_ptr<host::Runtime> runtime_;
  // Of runtime_.
  const obs::Metrics* metrics_ = nullptr;
  session_state::SessionStateProcess* session_state_ = nullptr;
  memory_recall::MemoryRecallProcess* memory_recall_ = nullptr;
  provider_adapter::ProviderAdapterProcess* provider_adapter_ = nullptr;
  dispatcher::DispatcherProcess* dispatcher_ = nullptr;
  gateway::GatewayProcess* gateway_ = nullptr;
};

}  // namespace penstock::mesh
