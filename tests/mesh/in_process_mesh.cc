#include "tests/mesh/in_process_mesh.h"

#include <cerrno>
#include <cstdlib>
#include <filesystem>
#include <utility>
#include <vector>

#include "libs/base/log.h"
#include "libs/base/status_macros.h"
#include "libs/host/config_loader.h"

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"

namespace penstock::mesh {
namespace {

absl::StatusOr<std::string> NewFolder() {
  const char* temporary = std::getenv("TMPDIR");
  std::string pattern =
      absl::StrCat(temporary != nullptr ? temporary : "/tmp", "/penstock-mesh-XXXXXX");
  if (mkdtemp(pattern.data()) == nullptr) return absl::ErrnoToStatus(errno, pattern);
  return pattern;
}

// Keeps what it is given, and says where it is.
template <typename Service, typename... Arguments>
Service* Add(std::vector<std::unique_ptr<host::Service>>& services, Arguments&&... arguments) {
  services.push_back(std::make_unique<Service>(std::forward<Arguments>(arguments)...));
  return static_cast<Service*>(services.back().get());
}

}  // namespace

absl::StatusOr<std::unique_ptr<InProcessMesh>> InProcessMesh::Start(
    const harness::Settings& settings, int providers) {
  auto mesh = std::unique_ptr<InProcessMesh>(new InProcessMesh());
  ConfigureLog("mesh", Severity::kWarning);
  PENSTOCK_ASSIGN_OR_RETURN(mesh->folder_, NewFolder());
  PENSTOCK_RETURN_IF_ERROR(mesh->StartSimulator());
  PENSTOCK_RETURN_IF_ERROR(mesh->StartServices(settings, providers));
  return mesh;
}

InProcessMesh::~InProcessMesh() {
  if (runtime_ != nullptr) runtime_->Stop();
  runtime_ = nullptr;
  if (simulator_ != nullptr) simulator_->Stop();
  if (simulator_thread_.joinable()) simulator_thread_.join();
  std::error_code none;
  std::filesystem::remove_all(folder_, none);
}

absl::Status InProcessMesh::StartSimulator() {
  PENSTOCK_ASSIGN_OR_RETURN(simulator_, providersim::Server::Open({.listen = "127.0.0.1:0"}));
  simulator_thread_ = std::thread([this] { simulator_->Run(); });
  return absl::OkStatus();
}

absl::Status InProcessMesh::StartServices(const harness::Settings& settings, int providers) {
  harness::Settings all = harness::WithoutLimits();
  all["data_dir"] = folder_ + "/data";
  all["endpoints.gateway"] = absl::StrCat("\"unix:", folder_, "/gateway\"");
  all["process.admin"] = "\"\"";
  all["drain.timeout"] = "100ms";
  for (const auto& [path, value] : settings) all[path] = value;
  for (int i = 0; i < providers; ++i) {
    all[absl::StrCat("providers.", i, ".base_url")] = simulator_->url();
  }
  PENSTOCK_ASSIGN_OR_RETURN(const std::string sample, harness::SampleConfig());
  PENSTOCK_ASSIGN_OR_RETURN(const std::string yaml, harness::WithSettings(sample, all));
  PENSTOCK_ASSIGN_OR_RETURN(config_, host::ParseConfig(yaml, "mesh"));
  PENSTOCK_ASSIGN_OR_RETURN(const std::string secret,
                            harness::SettingOf(yaml, "identity.issuers.0.keys.0.secret"));
  PENSTOCK_ASSIGN_OR_RETURN(harness::Tokens tokens, harness::Tokens::FromSecret(secret));
  tokens_ = std::make_unique<harness::Tokens>(std::move(tokens));

  runtime_ = std::make_unique<host::Runtime>("mesh", config_);
  return runtime_->Start([this](const host::Environment& environment) {
    metrics_ = &environment.metrics;
    std::vector<std::unique_ptr<host::Service>> services;
    session_state_ = Add<session_state::SessionStateProcess>(services, environment, "");
    memory_recall_ = Add<memory_recall::MemoryRecallProcess>(services, environment, "");
    provider_adapter_ = Add<provider_adapter::ProviderAdapterProcess>(services, environment, "");
    const auto to = [](auto*& callee) {
      return [&callee](const rpc::Transport&) { return callee->InProcessChannel(); };
    };
    dispatcher_ = Add<dispatcher::DispatcherProcess>(
        services, environment, "",
        dispatcher::DispatcherProcess::Channels{to(session_state_), to(memory_recall_),
                                                to(provider_adapter_)});
    gateway_ = Add<gateway::GatewayProcess>(
        services, environment, config_.endpoints().gateway(),
        gateway::GatewayProcess::Channels{to(dispatcher_), to(session_state_), to(memory_recall_)});
    return services;
  });
}

std::shared_ptr<grpc::Channel> InProcessMesh::ConnectToGateway() const {
  return harness::Caller::Connect(config_.endpoints().gateway());
}

std::shared_ptr<grpc::Channel> InProcessMesh::ChannelTo(absl::string_view service) {
  if (service == "penstock.session.v1.SessionState") return session_state_->InProcessChannel();
  if (service == "penstock.memory.v1.MemoryRecall") return memory_recall_->InProcessChannel();
  if (service == "penstock.provider.v1.ProviderAdapter") {
    return provider_adapter_->InProcessChannel();
  }
  if (absl::StartsWith(service, "penstock.dispatcher.v1.")) return dispatcher_->InProcessChannel();
  return nullptr;
}

}  // namespace penstock::mesh
