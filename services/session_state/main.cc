// The process `session_state`.
#include <memory>
#include <vector>

#include "libs/host/process.h"
#include "services/session_state/session_state_process.h"

int main(int argc, char** argv) {
  using penstock::host::Environment;
  return penstock::host::RunProcess(
      "session_state", argc, argv, [](const Environment& environment) {
        std::vector<std::unique_ptr<penstock::host::Service>> services;
        services.push_back(std::make_unique<penstock::session_state::SessionStateProcess>(
            environment, environment.config.endpoints().session_state()));
        return services;
      });
}
