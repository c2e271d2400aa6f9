// The dispatcher as a process of its own.

#include <memory>
#include <vector>

#include "libs/host/process.h"
#include "libs/rpc/channel.h"
#include "services/dispatcher/dispatcher_process.h"

using penstock::dispatcher::DispatcherProcess;
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
                [&] { return penstock::rpc::OpenChannel(endpoints.session_state()); },
                [&] { return penstock::rpc::OpenChannel(endpoints.memory_recall()); },
                [&] { return penstock::rpc::OpenChannel(endpoints.provider_adapter()); }}));
        return services;
      });
}
