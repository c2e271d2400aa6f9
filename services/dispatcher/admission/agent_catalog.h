// Which model a turn runs on, with which instructions and settings: its agent and what the caller
// changes of it.
#pragma once

#include <string>

#include "penstock/chat/v1/turn.pb.h"
#include "penstock/config/v1/config.pb.h"

#include "absl/container/flat_hash_map.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"

namespace penstock::dispatcher {

struct ResolvedAgent {
  // Of the configuration; they live as long as it does.
  const config::v1::Agent* agent;
  const config::v1::Model* model;
  // Recall memories into the turn; remember the turn afterwards.
  bool recall;
  bool remember;
};

// Immutable, so thread-safe. The configuration must outlive it and be valid.
class AgentCatalog {
 public:
  explicit AgentCatalog(const config::v1::Config& config);

  // `agent` is "agents/{id}"; empty: agents/default. NOT_FOUND (AGENT_NOT_FOUND),
  // PERMISSION_DENIED (OVERRIDE_FORBIDDEN) or INVALID_ARGUMENT naming the field.
  absl::StatusOr<ResolvedAgent> Resolve(absl::string_view agent,
                                        const chat::v1::TurnSpec& spec) const;

 private:
  absl::StatusOr<const config::v1::Model*> ModelFor(const config::v1::Agent& agent,
                                                    absl::string_view wanted) const;

  const config::v1::Config& config_;
  absl::flat_hash_map<std::string, const config::v1::Agent*> agents_;
  absl::flat_hash_map<std::string, const config::v1::Model*> models_;
};

}  // namespace penstock::dispatcher
