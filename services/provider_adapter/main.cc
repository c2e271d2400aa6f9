// The provider-adapter as a process of its own.

#include <memory>
#include <vector>

#include "libs/host/process.h"
#include "services/provider_adapter/provider_adapter_process.h"

namespace host = penstock::host;

int main(int argc, char** argv) {
  return host::RunProcess(
      "provider-adapter", argc, argv,
      [](const host::Environment& environment)
          -> absl::StatusOr<std::vector<std::unique_ptr<host::Service>>> {
        std::vector<std::unique_ptr<host::Service>> services;
        services.push_back(std::make_unique<penstock::provider_adapter::ProviderAdapterProcess>(
            environment, environment.config.endpoints().provider_adapter()));
        return services;
      });
}
