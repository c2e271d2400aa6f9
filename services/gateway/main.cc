// The gateway as a process of its own.

#include <memory>
#include <vector>

#include "libs/host/process.h"
#include "libs/rpc/channel.h"
#include "services/gateway/gateway_process.h"

using penstock::gateway::GatewayProcess;
namespace host = penstock::host;

int main(int argc, char** argv) {
  return host::RunProcess(
      "gateway", argc, argv,
      [](const host::Environment& environment)
          -> absl::StatusOr<std::vector<std::unique_ptr<host::Service>>> {
        const auto& endpoints = environment.config.endpoints();
        std::vector<std::unique_ptr<host::Service>> services;
        services.push_back(std::make_unique<GatewayProcess>(
            environment, endpoints.gateway(),
            GatewayProcess::Channels{
                [&] { return penstock::rpc::OpenChannel(endpoints.dispatcher()); },
                [&] { return penstock::rpc::OpenChannel(endpoints.session_state()); },
                [&] { return penstock::rpc::OpenChannel(endpoints.memory_recall()); }}));
        return services;
      });
}
