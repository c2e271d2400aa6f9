#include "services/session_state/session_state_process.h"

#include <filesystem>
#include <utility>

#include "libs/base/status_macros.h"
#include "libs/host/endpoint.h"
#include "libs/identity/grant.h"
#include "libs/identity/grant_key.h"
#include "libs/rpc/idle_pulse.h"
#include "libs/rpc/server_host.h"
#include "libs/rpc/transport.h"
#include "services/session_state/session_records.h"
#include "services/session_state/session_state.h"
#include "services/session_state/session_state_service.h"
#include "services/session_state/session_store_rocksdb.h"
#include "services/session_state/sweeper.h"

namespace penstock::session_state {
namespace {

RocksSessionStoreOptions StoreOptionsOf(const config::v1::Config& config) {
  return {.path = (std::filesystem::path(config.data_dir()) / "session_state").string(),
          .block_cache_bytes = config.process().block_cache_bytes(),
          .session_cache_bytes = config.session().cache_bytes(),
          .sync = config.journal().sync(),
          .idle_ttl = FromProto(config.session().idle_ttl()),
          .max_history_turns = config.session().max_history_turns(),
          .request_id_ttl = FromProto(config.journal().request_id_ttl())};
}

}  // namespace

// In the order in which its parts need each other.
struct SessionStateProcess::Running {
  Running(const host::Environment& environment, std::unique_ptr<rpc::Transport> edges,
          std::unique_ptr<RocksSessionStore> opened, const identity::GrantKeys& keys)
      : transport(std::move(edges)),
        store(std::move(opened)),
        core(*store, environment.clock,
             {.idle_ttl = FromProto(environment.config.session().idle_ttl())}),
        verifier(identity::kSessionStateAudience, keys.current, keys.previous),
        rpc_environment{environment.executor, verifier, environment.clock, environment.metrics,
                        transport->callers()},
        service(MakeSessionStateService(core, rpc_environment)),
        sweeper(*store, environment.executor, environment.timers, environment.clock,
                environment.metrics, FromProto(environment.config.session().sweep_interval())) {}

  std::unique_ptr<rpc::Transport> transport;
  std::unique_ptr<RocksSessionStore> store;
  SessionState core;
  identity::GrantVerifier verifier;
  rpc::ServerEnvironment rpc_environment;
  std::unique_ptr<grpc::Service> service;
  Sweeper sweeper;
  std::unique_ptr<rpc::IdlePulse> pulse;
  std::unique_ptr<rpc::ServerHost> server;
};

SessionStateProcess::SessionStateProcess(const host::Environment& environment, std::string endpoint)
    : environment_(environment), endpoint_(std::move(endpoint)) {}
SessionStateProcess::~SessionStateProcess() = default;

absl::Status SessionStateProcess::Start() {
  const config::v1::Config& config = environment_.config;
  if (!endpoint_.empty()) {
    PENSTOCK_ASSIGN_OR_RETURN(const host::Endpoint listener, host::ParseEndpoint(endpoint_));
    PENSTOCK_RETURN_IF_ERROR(host::CheckListener(listener, config));
  }
  PENSTOCK_ASSIGN_OR_RETURN(
      const identity::GrantKeys keys,
      identity::GrantKeysOf(config.identity(), identity::kSessionStateAudience));
  PENSTOCK_ASSIGN_OR_RETURN(auto transport,
                            rpc::Transport::Create(rpc::ServiceId::kSessionState, endpoint_, config,
                                                   environment_.clock, environment_.metrics));
  RocksSessionStoreOptions options = StoreOptionsOf(config);
  std::error_code error;
  std::filesystem::create_directories(options.path, error);
  if (error) {
    return absl::FailedPreconditionError("data_dir: cannot make " + options.path + ": " +
                                         error.message());
  }
  PENSTOCK_ASSIGN_OR_RETURN(
      auto store,
      RocksSessionStore::Open(std::move(options), environment_.blocking, environment_.metrics));
  running_ = std::make_unique<Running>(environment_, std::move(transport), std::move(store), keys);
  auto server =
      rpc::ServerHost::Start(endpoint_, {running_->service.get()}, running_->transport->listener());
  if (!server.ok()) {
    running_.reset();
    return std::move(server).status();
  }
  running_->server = *std::move(server);
  if (!endpoint_.empty()) {
    running_->pulse = std::make_unique<rpc::IdlePulse>(environment_.timers);
  }
  running_->server->SetServing(true);
  return absl::OkStatus();
}

std::vector<std::string> SessionStateProcess::Listening() const {
  if (endpoint_.empty()) return {};
  return {running_->server->endpoint()};
}

std::shared_ptr<grpc::Channel> SessionStateProcess::InProcessChannel() {
  return running_->server->InProcessChannel();
}

void SessionStateProcess::Drain(absl::Duration timeout) {
  running_->server->SetServing(false);
  running_->server->Drain(*running_->rpc_environment.calls, timeout);
  running_->server->Shutdown(absl::ZeroDuration());
}

void SessionStateProcess::Stop() {
  running_->server->Shutdown(absl::ZeroDuration());
  running_.reset();
}

}  // namespace penstock::session_state
