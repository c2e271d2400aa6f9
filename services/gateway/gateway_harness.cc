#include "services/gateway/gateway_harness.h"

#include <cstdio>
#include <cstdlib>

#include <grpcpp/client_context.h>

#include "libs/base/clock.h"
#include "libs/host/config_loader.h"
#include "libs/identity/jwt_signer.h"
#include "libs/rpc/channel.h"

#include "absl/strings/escaping.h"
#include "absl/strings/str_cat.h"

namespace penstock::gateway {
namespace {

const std::string kGrantRoot(32, 'g');
const std::string kTokenSecret(32, 's');

std::string Yaml(const std::string& more, const std::string& issuers) {
  return absl::StrCat(
      "identity:\n  grant_root: ", absl::Base64Escape(kGrantRoot),
      "\n  issuers:\n    - issuer: test\n      tenants: [dev]\n      keys:\n",
      "        - {kid: k, algorithm: HS256, secret: ", absl::Base64Escape(kTokenSecret), "}\n",
      issuers, "providers: [{name: sim, base_url: 'http://127.0.0.1:1/v1'}]\n",
      "models: [{name: sim/echo}]\nagents: [{id: default, model: sim/echo}]\n",
      "process: {threads: 2}\n", more);
}

config::v1::Config ConfigOf(const std::string& yaml, const std::string& issuers) {
  auto config = host::ParseConfig(Yaml(yaml, issuers), "test");
  if (config.ok()) return *std::move(config);
  std::fprintf(stderr, "%s\n", config.status().ToString().c_str());
  std::abort();
}

}  // namespace

GatewayHarness::GatewayHarness(const std::string& yaml, const std::string& issuers)
    : config_(ConfigOf(yaml, issuers)),
      runtime_(std::make_unique<host::Runtime>("gateway", config_)) {
  peers_ = std::make_unique<FakePeers>(runtime_->environment(), kGrantRoot);
  const auto open = [this](const rpc::Transport&) { return rpc::OpenChannel(peers_->endpoint()); };
  process_ = std::make_unique<GatewayProcess>(runtime_->environment(), "127.0.0.1:0",
                                              GatewayProcess::Channels{open, open, open});
  if (const absl::Status started = process_->Start(); !started.ok()) {
    std::fprintf(stderr, "%s\n", started.ToString().c_str());
    std::abort();
  }
}

GatewayHarness::~GatewayHarness() {
  process_->Drain(absl::ZeroDuration());
  process_->Stop();
}

std::string GatewayHarness::endpoint() const { return process_->Listening().front(); }

void GatewayHarness::Authorize(grpc::ClientContext& context, const std::string& user,
                               const std::string& scope) {
  context.AddMetadata("authorization", TokenOf(user, scope));
  context.set_deadline(std::chrono::system_clock::now() + std::chrono::seconds(60));
}

std::string GatewayHarness::TokenOf(const std::string& user, const std::string& scope) {
  const auto signer =
      identity::JwtSigner::Create(identity::JwtAlgorithm::kHs256, kTokenSecret, "k").value();
  identity::TokenContent content;
  content.issuer = "test";
  content.audience = "penstock";
  content.subject = user;
  if (!scope.empty()) content.scopes = {scope};
  content.issued_at = SystemClock().Now() - absl::Seconds(10);
  content.expires = SystemClock().Now() + absl::Minutes(5);
  return absl::StrCat("Bearer ", signer.Sign(content));
}

}  // namespace penstock::gateway
