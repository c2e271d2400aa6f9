#include "services/gateway/gateway_process.h"

#include <algorithm>
#include <utility>

#include "libs/base/log.h"
#include "libs/base/proto_time.h"
#include "libs/base/status_macros.h"
#include "libs/host/endpoint.h"
#include "libs/host/tiers.h"
#include "libs/identity/grant.h"
#include "libs/identity/jwt.h"
#include "libs/rpc/idle_pulse.h"
#include "libs/rpc/server_host.h"
#include "libs/rpc/transport.h"
#include "services/gateway/gateway_service.h"
#include "services/gateway/key_fetchers.h"
#include "services/gateway/token_authenticator.h"

#include "absl/strings/str_cat.h"
#include "absl/time/clock.h"

namespace penstock::gateway {
namespace {

constexpr absl::Duration kShutdownGrace = absl::Seconds(1);

absl::Status CheckEndpoint(const std::string& endpoint, const config::v1::Config& config) {
  if (endpoint.empty()) return absl::OkStatus();
  PENSTOCK_ASSIGN_OR_RETURN(const host::Endpoint parsed, host::ParseEndpoint(endpoint));
  return host::CheckListener(parsed, config);
}

}  // namespace

// In the order of their construction; destroyed in reverse.
struct GatewayProcess::Parts {
  Parts(const host::Environment& environment, std::unique_ptr<rpc::Transport> edges,
        std::unique_ptr<identity::JwtVerifier> jwt, absl::string_view grant_root,
        const Downstream::Channels& channels)
      : transport(std::move(edges)),
        verifier(std::move(jwt)),
        minter(grant_root, FromProto(environment.config.identity().grant_lifetime())),
        refusals(environment.metrics),
        fetchers(verifier->published(), environment),
        authenticator(*verifier, fetchers, refusals),
        guard(environment.config),
        downstream(channels, minter, environment.clock),
        turns(environment, guard, downstream),
        sessions(guard, downstream),
        memories(guard, downstream),
        operations(downstream),
        rpc{environment.executor, authenticator, environment.clock, environment.metrics,
            transport->callers()},
        backlog(environment.clock, environment.metrics,
                {.overloaded = environment.config.turn().max_unanswered(),
                 .burst = environment.config.turn().max_unanswered_burst()}),
        service({rpc, gate, backlog, refusals, turns, sessions, memories, operations,
                 static_cast<uint64_t>(environment.config.server().max_request_bytes())}) {}

  const std::unique_ptr<rpc::Transport> transport;
  const std::unique_ptr<identity::JwtVerifier> verifier;
  const identity::GrantMinter minter;
  const RefusalCounter refusals;
  KeyFetchers fetchers;
  const TokenAuthenticator authenticator;
  const InputGuard guard;
  Downstream downstream;
  Gate gate;
  TurnsRpc turns;
  SessionsRpc sessions;
  MemoriesRpc memories;
  OperationsRpc operations;
  const rpc::ServerEnvironment rpc;
  Backlog backlog;
  GatewayService service;
  std::unique_ptr<rpc::IdlePulse> pulse;
  std::unique_ptr<rpc::ServerHost> host;
};

GatewayProcess::GatewayProcess(const host::Environment& environment, std::string endpoint,
                               Channels channels)
    : environment_(environment), endpoint_(std::move(endpoint)), channels_(std::move(channels)) {}

GatewayProcess::~GatewayProcess() = default;

absl::Status GatewayProcess::Start() {
  const config::v1::Config& config = environment_.config;
  PENSTOCK_RETURN_IF_ERROR(CheckEndpoint(endpoint_, config));
  PENSTOCK_ASSIGN_OR_RETURN(const std::string root, identity::GrantRootOf(config.identity()));
  PENSTOCK_ASSIGN_OR_RETURN(
      auto verifier, identity::JwtVerifier::Create(config.identity(), host::TierNames(config)));
  PENSTOCK_ASSIGN_OR_RETURN(auto transport,
                            rpc::Transport::Create(rpc::ServiceId::kGateway, endpoint_, config,
                                                   environment_.clock, environment_.metrics));
  const rpc::Transport& edges = *transport;
  auto parts = std::make_unique<Parts>(
      environment_, std::move(transport), std::move(verifier), root,
      Downstream::Channels{channels_.dispatcher(edges), channels_.session_state(edges),
                           channels_.memory_recall(edges)});
  PENSTOCK_ASSIGN_OR_RETURN(
      parts->host,
      rpc::ServerHost::Start(endpoint_, parts->service.services(), parts->transport->listener()));
  // Of the services in a process one listens, or each has a process of its own: so each process has
  // one pulse.
  if (!endpoint_.empty()) parts->pulse = std::make_unique<rpc::IdlePulse>(environment_.timers);
  parts->host->SetServing(true);
  parts_ = std::move(parts);
  return absl::OkStatus();
}

std::vector<std::string> GatewayProcess::Listening() const {
  if (endpoint_.empty()) return {};
  return {parts_->host->endpoint()};
}

std::shared_ptr<grpc::Channel> GatewayProcess::InProcessChannel() {
  return parts_->host->InProcessChannel();
}

void GatewayProcess::Reload(const config::v1::Config& config) {
  parts_->verifier->SetTiers(host::TierNames(config));
}

void GatewayProcess::Drain(absl::Duration timeout) {
  parts_->host->SetServing(false);
  Gate& gate = parts_->gate;
  gate.Close();
  const absl::Time until = absl::Now() + timeout;
  while (gate.inside() > 0 && absl::Now() < until) {
    absl::SleepFor(std::min(absl::Milliseconds(10), until - absl::Now()));
  }
  if (gate.inside() > 0) {
    Log(Severity::kWarning, "drain ended with calls that still run; their turns go on",
        {{"calls", absl::StrCat(gate.inside())}});
  }
}

void GatewayProcess::Stop() {
  parts_->gate.StopAll();
  // Before the server, which waits for the calls that wait for keys.
  parts_->fetchers.Stop();
  parts_->host->Shutdown(kShutdownGrace);
  parts_.reset();
}

}  // namespace penstock::gateway
