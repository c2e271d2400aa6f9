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
  // "agents/{id}".
  std::string name;
  // Of the configuration; lives as long as the catalog.
  const config::v1::Model* model;
  std::string instructions;
  chat::v1::GenerationConfig generation;
  // Output tokens one call may produce: the generation's bound, else the model's.
  int64_t max_output_tokens;
  // Input tokens one call may carry.
  int64_t input_budget_tokens;
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
