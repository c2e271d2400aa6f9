#include "services/memory_recall/memory_recall_process.h"

#include <filesystem>
#include <utility>

#include "libs/base/proto_time.h"
#include "libs/base/status_macros.h"
#include "libs/host/endpoint.h"
#include "libs/identity/grant.h"
#include "libs/identity/grant_key.h"
#include "libs/rpc/idle_pulse.h"
#include "libs/rpc/server_host.h"
#include "libs/rpc/transport.h"
#include "services/memory_recall/bm25_ranker.h"
#include "services/memory_recall/memory_recall_core.h"
#include "services/memory_recall/memory_recall_service.h"
#include "services/memory_recall/memory_store_rocksdb.h"
#include "services/memory_recall/memory_sweeper.h"

namespace penstock::memory_recall {
namespace {

RecallSettings SettingsOf(const config::v1::Recall& recall) {
  return {.max_memories = static_cast<size_t>(recall.max_memories()),
          .max_memory_bytes = static_cast<size_t>(recall.max_memory_bytes()),
          .max_memories_per_user = recall.max_memories_per_user(),
          .cache_bytes = static_cast<size_t>(recall.cache_bytes())};
}

}  // namespace

// In the order of their construction; destroyed in reverse.
struct MemoryRecallProcess::Parts {
  std::unique_ptr<rpc::Transport> transport;
  std::unique_ptr<rocks::Database> database;
  std::unique_ptr<rocks::Committer> committer;
  std::unique_ptr<RocksMemoryStore> store;
  std::unique_ptr<Bm25Ranker> ranker;
  std::unique_ptr<MemoryRecallCore> core;
  std::unique_ptr<identity::GrantVerifier> verifier;
  std::unique_ptr<rpc::ServerEnvironment> rpc_environment;
  std::unique_ptr<MemoryRecallService> rpc;
  std::unique_ptr<MemorySweeper> sweeper;
  std::unique_ptr<rpc::IdlePulse> pulse;
  std::unique_ptr<rpc::ServerHost> host;
};

MemoryRecallProcess::MemoryRecallProcess(const host::Environment& environment, std::string endpoint)
    : environment_(environment), endpoint_(std::move(endpoint)) {}

MemoryRecallProcess::~MemoryRecallProcess() = default;

absl::Status MemoryRecallProcess::Start() {
  const config::v1::Config& config = environment_.config;
  if (!endpoint_.empty()) {
    PENSTOCK_ASSIGN_OR_RETURN(const host::Endpoint listener, host::ParseEndpoint(endpoint_));
    PENSTOCK_RETURN_IF_ERROR(host::CheckListener(listener, config));
  }
  PENSTOCK_ASSIGN_OR_RETURN(
      const identity::GrantKeys keys,
      identity::GrantKeysOf(config.identity(), identity::kMemoryRecallAudience));
  auto parts = std::make_unique<Parts>();
  PENSTOCK_ASSIGN_OR_RETURN(parts->transport,
                            rpc::Transport::Create(rpc::ServiceId::kMemoryRecall, endpoint_, config,
                                                   environment_.clock, environment_.metrics));
  PENSTOCK_ASSIGN_OR_RETURN(
      parts->database,
      rocks::Database::Open((std::filesystem::path(config.data_dir()) / "memory_recall").string(),
                            {.column_families = MemoryColumnFamilies(),
                             .block_cache_bytes = config.process().block_cache_bytes(),
                             .sync = config.journal().sync()},
                            environment_.blocking));
  parts->committer = std::make_unique<rocks::Committer>(
      *parts->database, environment_.metrics, rocks::CommitterOptions{.store = "memory_recall"});
  parts->store = std::make_unique<RocksMemoryStore>(*parts->database, *parts->committer);
  parts->ranker = std::make_unique<Bm25Ranker>(
      Bm25Settings{.recency_half_life = FromProto(config.recall().recency_half_life()),
                   .recency_weight = config.recall().recency_weight()});
  parts->core = std::make_unique<MemoryRecallCore>(
      *parts->store, *parts->ranker,
      /*embedder=*/nullptr, environment_.clock, SettingsOf(config.recall()), environment_.metrics);
  parts->verifier = std::make_unique<identity::GrantVerifier>(identity::kMemoryRecallAudience,
                                                              keys.current, keys.previous);
  parts->rpc_environment = std::make_unique<rpc::ServerEnvironment>(
      rpc::ServerEnvironment{environment_.executor, *parts->verifier, environment_.clock,
                             environment_.metrics, parts->transport->callers()});
  parts->rpc = std::make_unique<MemoryRecallService>(*parts->core, *parts->rpc_environment);
  parts->sweeper = std::make_unique<MemorySweeper>(
      *parts->store, environment_.executor, environment_.timers, environment_.clock,
      environment_.metrics, FromProto(config.recall().sweep_interval()));
  PENSTOCK_ASSIGN_OR_RETURN(parts->host, rpc::ServerHost::Start(endpoint_, {parts->rpc.get()},
                                                                parts->transport->listener()));
  if (!endpoint_.empty()) {
    parts->pulse = std::make_unique<rpc::IdlePulse>(environment_.timers);
  }
  parts->host->SetServing(true);
  parts_ = std::move(parts);
  return absl::OkStatus();
}

std::vector<std::string> MemoryRecallProcess::Listening() const {
  if (endpoint_.empty()) return {};
  return {parts_->host->endpoint()};
}

std::shared_ptr<grpc::Channel> MemoryRecallProcess::InProcessChannel() {
  return parts_->host->InProcessChannel();
}

void MemoryRecallProcess::Drain(absl::Duration timeout) {
  parts_->host->SetServing(false);
  parts_->host->Drain(*parts_->rpc_environment->calls, timeout);
  parts_->host->Shutdown(absl::ZeroDuration());
}

void MemoryRecallProcess::Stop() { parts_.reset(); }

}  // namespace penstock::memory_recall
