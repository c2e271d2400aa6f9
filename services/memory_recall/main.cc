// The process `memory_recall`.
#include <memory>
#include <vector>

#include "libs/host/process.h"
#include "services/memory_recall/memory_recall_process.h"

namespace host = penstock::host;

int main(int argc, char** argv) {
  return host::RunProcess("memory_recall", argc, argv, [](const host::Environment& environment) {
    std::vector<std::unique_ptr<host::Service>> services;
    services.push_back(std::make_unique<penstock::memory_recall::MemoryRecallProcess>(
        environment, environment.config.endpoints().memory_recall()));
    return services;
  });
}
