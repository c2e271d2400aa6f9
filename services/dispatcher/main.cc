// The dispatcher as a process of its own.

#include <memory>
#include <vector>

#include "libs/host/process.h"
#include "libs/rpc/transport.h"
#include "services/dispatcher/dispatcher_process.h"

using penstock::dispatcher::DispatcherProcess;
using penstock::rpc::ServiceId;
using penstock::rpc::Transport;
namespace host = penstock::host;

int main(int argc, char** argv) {
  return host::RunProcess(
      "dispatcher", argc, argv,
      [](const host::Environment& environment)
          -> absl::StatusOr<std::vector<std::unique_ptr<host::Service>>> {
        const auto& endpoints = environment.config.endpoints();
        std::vector<std::unique_ptr<host::Service>> services;
        services.push_back(std::make_unique<DispatcherProcess>(
            environment, endpoints.dispatcher(),
            DispatcherProcess::Channels{
                [&](const Transport& transport) {
                  return transport.OpenChannel(endpoints.session_state(), ServiceId::kSessionState);
                },
                [&](const Transport& transport) {
                  return transport.OpenChannel(endpoints.memory_recall(), ServiceId::kMemoryRecall);
                },
                nullptr, endpoints.provider_adapter()}));
        return services;
      });
}
