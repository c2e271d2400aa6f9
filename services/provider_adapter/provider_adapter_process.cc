#include "services/provider_adapter/provider_adapter_process.h"

#include <cstdlib>
#include <stop_token>
#include <utility>

#include "libs/async/live_count.h"
#include "libs/base/status_macros.h"
#include "libs/host/endpoint.h"
#include "libs/http/curl_client.h"
#include "libs/identity/grant.h"
#include "libs/rpc/idle_pulse.h"
#include "libs/rpc/server_host.h"
#include "libs/rpc/transport.h"
#include "services/provider_adapter/api_key_reload.h"
#include "services/provider_adapter/provider_adapter_service.h"

namespace penstock::provider_adapter {
namespace {

std::optional<std::string> FromEnvironment(absl::string_view name) {
  const char* value = std::getenv(std::string(name).c_str());
  return value == nullptr ? std::nullopt : std::optional<std::string>(value);
}

// The files of API keys are looked at as long as this lives.
class KeyWatch {
 public:
  KeyWatch(const Routes& routes, const host::Environment& environment)
      : reload_(routes, environment.metrics) {
    Spawn(environment.executor, Run(environment, running_.Hold()));
  }
  ~KeyWatch() {
    stop_.request_stop();
    running_.WaitUntilNone();
  }

 private:
  Awaitable<void> Run(host::Environment environment, LiveCount::Holder) {
    co_await WatchApiKeys(reload_, environment.timers, environment.blocking, stop_.get_token());
  }

  ApiKeyReload reload_;
  std::stop_source stop_;
  LiveCount running_;
};

}  // namespace

// In the order of their construction; destroyed in reverse.
struct ProviderAdapterProcess::Parts {
  std::unique_ptr<rpc::Transport> transport;
  std::unique_ptr<identity::GrantVerifier> verifier;
  std::unique_ptr<http::CurlClient> client;
  std::unique_ptr<Generator> generator;
  std::unique_ptr<KeyWatch> key_watch;
  std::unique_ptr<rpc::ServerEnvironment> rpc_environment;
  std::unique_ptr<ProviderAdapterService> rpc;
  std::unique_ptr<rpc::IdlePulse> pulse;
  std::unique_ptr<rpc::ServerHost> host;
};

ProviderAdapterProcess::ProviderAdapterProcess(const host::Environment& environment,
                                               std::string endpoint)
    : environment_(environment), endpoint_(std::move(endpoint)) {}

ProviderAdapterProcess::~ProviderAdapterProcess() = default;

absl::Status ProviderAdapterProcess::Start() {
  auto parts = std::make_unique<Parts>();
  const config::v1::Config& config = environment_.config;
  if (!endpoint_.empty()) {
    PENSTOCK_ASSIGN_OR_RETURN(const host::Endpoint endpoint, host::ParseEndpoint(endpoint_));
    PENSTOCK_RETURN_IF_ERROR(host::CheckListener(endpoint, config));
  }
  PENSTOCK_ASSIGN_OR_RETURN(
      parts->transport, rpc::Transport::Create(rpc::ServiceId::kProviderAdapter, endpoint_, config,
                                               environment_.clock, environment_.metrics));
  PENSTOCK_ASSIGN_OR_RETURN(
      const identity::GrantKeys keys,
      identity::GrantKeysOf(config.identity(), identity::kProviderAdapterAudience));
  parts->verifier = std::make_unique<identity::GrantVerifier>(identity::kProviderAdapterAudience,
                                                              keys.current, keys.previous);
  parts->client = std::make_unique<http::CurlClient>(http::CurlClientOptions(), environment_.clock);
  PENSTOCK_ASSIGN_OR_RETURN(
      parts->generator,
      Generator::Create(config, FromEnvironment, *parts->client, parts->client->timers(),
                        environment_.clock, environment_.metrics));
  parts->key_watch = std::make_unique<KeyWatch>(parts->generator->routes(), environment_);
  parts->rpc_environment = std::make_unique<rpc::ServerEnvironment>(
      rpc::ServerEnvironment{environment_.executor, *parts->verifier, environment_.clock,
                             environment_.metrics, parts->transport->callers()});
  parts->rpc = std::make_unique<ProviderAdapterService>(*parts->generator, *parts->rpc_environment);
  PENSTOCK_ASSIGN_OR_RETURN(parts->host, rpc::ServerHost::Start(endpoint_, {parts->rpc.get()},
                                                                parts->transport->listener()));
  if (!endpoint_.empty()) {
    parts->pulse = std::make_unique<rpc::IdlePulse>(environment_.timers);
  }
  parts->host->SetServing(true);
  parts_ = std::move(parts);
  return absl::OkStatus();
}

std::vector<std::string> ProviderAdapterProcess::Listening() const {
  if (endpoint_.empty()) return {};
  return {parts_->host->endpoint()};
}

std::shared_ptr<grpc::Channel> ProviderAdapterProcess::InProcessChannel() {
  return parts_->host->InProcessChannel();
}

void ProviderAdapterProcess::Drain(absl::Duration timeout) {
  parts_->host->SetServing(false);
  parts_->host->Drain(*parts_->rpc_environment->calls, timeout);
  parts_->host->Shutdown(absl::ZeroDuration());
}

void ProviderAdapterProcess::Stop() { parts_.reset(); }

}  // namespace penstock::provider_adapter
