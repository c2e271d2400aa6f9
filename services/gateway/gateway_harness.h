// The real gateway on a real socket, before stand-ins for the other services; for tests.
#pragma once

#include <memory>
#include <string>

#include "libs/host/runtime.h"
#include "services/gateway/fake_peers.h"
#include "services/gateway/gateway_process.h"

#include "absl/time/time.h"

namespace grpc {
class ClientContext;
}

namespace penstock::gateway {

class GatewayHarness {
 public:
  // `yaml`: settings beside identity, endpoints and agents. `issuers`: elements of identity.issuers
  // beside that of TokenOf, each line indented by four.
  explicit GatewayHarness(const std::string& yaml = "", const std::string& issuers = "");
  ~GatewayHarness();

  FakePeers& peers() { return *peers_; }
  GatewayProcess& process() { return *process_; }
  // "127.0.0.1:40001".
  std::string endpoint() const;
  std::string metrics() const { return runtime_->environment().metrics.Render(); }

  // Gives a call the token of a user, and 60 s.
  static void Authorize(grpc::ClientContext& context, const std::string& user = "ann",
                        const std::string& scope = "");
  // "Bearer …" for a user of tenant dev.
  static std::string TokenOf(const std::string& user, const std::string& scope = "");

 private:
  config::v1::Config config_;
  std::unique_ptr<host::Runtime> runtime_;
  std::unique_ptr<FakePeers> peers_;
  std::unique_ptr<GatewayProcess> process_;
};

}  // namespace penstock::gateway
