#include "services/dispatcher/dispatcher_process.h"

#include <future>
#include <utility>

#include "libs/base/proto_time.h"
#include "libs/base/status_macros.h"
#include "libs/host/endpoint.h"
#include "libs/identity/grant.h"
#include "libs/rpc/channel.h"
#include "libs/rpc/idle_pulse.h"
#include "libs/rpc/server_host.h"
#include "libs/rpc/transport.h"
#include "services/dispatcher/dispatcher_core.h"
#include "services/dispatcher/dispatcher_service.h"
#include "services/dispatcher/operations_service.h"
#include "services/dispatcher/queue/journal_rocksdb.h"
#include "services/dispatcher/scaler_listener.h"
#include "services/dispatcher/turn/adapter_pods.h"
#include "services/dispatcher/turn/peers_grpc.h"

#include "absl/strings/str_cat.h"

namespace penstock::dispatcher {
namespace {

constexpr absl::Duration kShutdownGrace = absl::Seconds(1);

// For Start, which may block: runs a coroutine to its end.
absl::Status RunToEnd(const Executor& executor, Awaitable<absl::Status> coroutine) {
  std::promise<absl::Status> ended;
  Spawn(executor,
        [](Awaitable<absl::Status> work, std::promise<absl::Status>& done) -> Awaitable<void> {
          done.set_value(co_await std::move(work));
        }(std::move(coroutine), ended));
  return ended.get_future().get();
}

}  // namespace

// In the order of their construction; destroyed in reverse.
struct DispatcherProcess::Parts {
  ~Parts() {
    scaler.reset();
    host.reset();
    operations.reset();
    rpc.reset();
    core.reset();
    session.reset();
    memory.reset();
    provider.reset();
    for (auto& channel : channels) rpc::CloseChannel(std::move(channel));
  }

  std::unique_ptr<rpc::Transport> transport;
  // Each peer has its own.
  std::vector<std::shared_ptr<grpc::Channel>> channels;
  std::unique_ptr<identity::GrantMinter> minter;
  std::unique_ptr<identity::GrantVerifier> verifier;
  std::unique_ptr<SessionPeer> session;
  std::unique_ptr<MemoryPeer> memory;
  std::unique_ptr<ProviderPeer> provider;
  std::unique_ptr<Journal> journal;
  std::unique_ptr<DispatcherCore> core;
  std::unique_ptr<rpc::ServerEnvironment> rpc_environment;
  std::unique_ptr<DispatcherService> rpc;
  std::unique_ptr<OperationsService> operations;
  std::unique_ptr<rpc::IdlePulse> pulse;
  std::unique_ptr<rpc::ServerHost> host;
  // Null: there is none.
  std::unique_ptr<ScalerListener> scaler;
};

DispatcherProcess::DispatcherProcess(const host::Environment& environment, std::string endpoint,
                                     Channels channels)
    : environment_(environment), endpoint_(std::move(endpoint)), channels_(std::move(channels)) {}

DispatcherProcess::~DispatcherProcess() = default;

absl::Status DispatcherProcess::Start() {
  if (!endpoint_.empty()) {
    PENSTOCK_ASSIGN_OR_RETURN(const host::Endpoint listener, host::ParseEndpoint(endpoint_));
    PENSTOCK_RETURN_IF_ERROR(host::CheckListener(listener, environment_.config));
  }
  auto parts = std::make_unique<Parts>();
  PENSTOCK_ASSIGN_OR_RETURN(
      parts->transport,
      rpc::Transport::Create(rpc::ServiceId::kDispatcher, endpoint_, environment_.config,
                             environment_.clock, environment_.metrics));
  const auto& identity = environment_.config.identity();
  PENSTOCK_ASSIGN_OR_RETURN(const std::string root, identity::GrantRootOf(identity));
  PENSTOCK_ASSIGN_OR_RETURN(const identity::GrantKeys keys,
                            identity::GrantKeysOf(identity, identity::kDispatcherAudience));
  parts->minter =
      std::make_unique<identity::GrantMinter>(root, FromProto(identity.grant_lifetime()));
  parts->verifier = std::make_unique<identity::GrantVerifier>(identity::kDispatcherAudience,
                                                              keys.current, keys.previous);
  const rpc::Transport& transport = *parts->transport;
  parts->channels = {channels_.session_state(transport), channels_.memory_recall(transport)};
  parts->session = MakeSessionPeer(parts->channels[0], *parts->minter, environment_.clock);
  parts->memory = MakeMemoryPeer(parts->channels[1], *parts->minter, environment_.clock);
  PENSTOCK_RETURN_IF_ERROR(ReachAdapters(*parts));
  PENSTOCK_ASSIGN_OR_RETURN(
      parts->journal,
      RocksJournal::Create({.path = absl::StrCat(environment_.config.data_dir(), "/dispatcher"),
                            .block_cache_bytes = environment_.config.process().block_cache_bytes(),
                            .sync = environment_.config.journal().sync()},
                           environment_.blocking, environment_.metrics));
  parts->core = std::make_unique<DispatcherCore>(
      environment_, Peers{*parts->session, *parts->memory, *parts->provider}, *parts->journal);
  PENSTOCK_RETURN_IF_ERROR(RunToEnd(environment_.executor, parts->core->Recover()));
  parts->rpc_environment = std::make_unique<rpc::ServerEnvironment>(
      rpc::ServerEnvironment{environment_.executor, *parts->verifier, environment_.clock,
                             environment_.metrics, transport.callers()});
  parts->rpc = std::make_unique<DispatcherService>(*parts->core, *parts->rpc_environment);
  parts->operations = std::make_unique<OperationsService>(*parts->core, *parts->rpc_environment);
  PENSTOCK_ASSIGN_OR_RETURN(
      parts->host, rpc::ServerHost::Start(endpoint_, {parts->rpc.get(), parts->operations.get()},
                                          transport.listener()));
  if (!endpoint_.empty()) {
    parts->pulse = std::make_unique<rpc::IdlePulse>(environment_.timers);
    if (!environment_.config.endpoints().scaler().empty()) {
      PENSTOCK_ASSIGN_OR_RETURN(
          parts->scaler, ScalerListener::Start(environment_, parts->core->scaler(), transport));
    }
  }
  parts->host->SetServing(true);
  parts_ = std::move(parts);
  return absl::OkStatus();
}

absl::Status DispatcherProcess::ReachAdapters(Parts& parts) const {
  const rpc::Transport& transport = *parts.transport;
  if (channels_.adapters.empty()) {
    parts.channels.push_back(channels_.provider_adapter(transport));
    parts.provider = MakeProviderPeer(parts.channels.back(), *parts.minter, environment_.clock);
    return absl::OkStatus();
  }
  PENSTOCK_ASSIGN_OR_RETURN(AdapterLookup lookup, LookupOf(channels_.adapters, environment_.io));
  parts.provider = std::make_unique<AdapterPods>(
      AdapterPods::Context{environment_.config.adapter(), *parts.minter, environment_.clock,
                           environment_.timers, environment_.executor, environment_.metrics},
      std::move(lookup), [&transport](const std::string& address) {
        return transport.OpenChannel(address, rpc::ServiceId::kProviderAdapter);
      });
  return absl::OkStatus();
}

std::vector<std::string> DispatcherProcess::Listening() const {
  if (endpoint_.empty()) return {};
  if (parts_->scaler == nullptr) return {parts_->host->endpoint()};
  return {parts_->host->endpoint(), parts_->scaler->endpoint()};
}

std::shared_ptr<grpc::Channel> DispatcherProcess::InProcessChannel() {
  return parts_->host->InProcessChannel();
}

void DispatcherProcess::Reload(const config::v1::Config& config) { parts_->core->Reload(config); }

void DispatcherProcess::Drain(absl::Duration timeout) {
  parts_->host->SetServing(false);
  parts_->core->Drain(timeout);
}

void DispatcherProcess::Stop() {
  parts_->scaler.reset();
  parts_->core->Stop();
  parts_->host->Drain(*parts_->rpc_environment->calls, kShutdownGrace);
  parts_->host->Shutdown(absl::ZeroDuration());
  parts_.reset();
}

}  // namespace penstock::dispatcher
