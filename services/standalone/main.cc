// All five services in one process, over in-process channels; only the gateway listens.
#include <memory>
#include <vector>

#include "libs/host/process.h"
#include "services/dispatcher/dispatcher_process.h"
#include "services/gateway/gateway_process.h"
#include "services/memory_recall/memory_recall_process.h"
#include "services/provider_adapter/provider_adapter_process.h"
#include "services/session_state/session_state_process.h"

using namespace penstock;  // NOLINT: a main that only wires

int main(int argc, char** argv) {
  return host::RunProcess(
      "standalone", argc, argv,
      [](const host::Environment& environment)
          -> absl::StatusOr<std::vector<std::unique_ptr<host::Service>>> {
        const auto to = [](auto& callee) {
          return [&callee](const rpc::Transport&) { return callee.InProcessChannel(); };
        };
        auto session = std::make_unique<session_state::SessionStateProcess>(environment, "");
        auto memory = std::make_unique<memory_recall::MemoryRecallProcess>(environment, "");
        auto adapter = std::make_unique<provider_adapter::ProviderAdapterProcess>(environment, "");
        auto dispatcher = std::make_unique<dispatcher::DispatcherProcess>(
            environment, "",
            dispatcher::DispatcherProcess::Channels{to(*session), to(*memory), to(*adapter)});
        auto gateway = std::make_unique<gateway::GatewayProcess>(
            environment, environment.config.endpoints().gateway(),
            gateway::GatewayProcess::Channels{to(*dispatcher), to(*session), to(*memory)});
        std::vector<std::unique_ptr<host::Service>> services;
        services.push_back(std::move(session));
        services.push_back(std::move(memory));
        services.push_back(std::move(adapter));
        services.push_back(std::move(dispatcher));
        services.push_back(std::move(gateway));
        return services;
      });
}
