// Refuses public requests that are malformed or too large, before anything is done for them.
#pragma once

#include <string>

#include "libs/identity/principal.h"
#include "penstock/config/v1/config.pb.h"
#include "penstock/gateway/v1/memories.pb.h"
#include "penstock/gateway/v1/sessions.pb.h"
#include "penstock/gateway/v1/turns.pb.h"

#include "absl/container/flat_hash_set.h"
#include "absl/status/status.h"
#include "absl/strings/string_view.h"

namespace penstock::gateway {

// FIELD_INVALID and TOO_LARGE with the field's path; AGENT_NOT_FOUND for a session's agent that is
// not configured; SCOPE_MISSING. What only the owner of the data knows (agent of a turn, overrides,
// versions) is checked there. Immutable; `config` outlives it.
class InputGuard {
 public:
  explicit InputGuard(const config::v1::Config& config);

  absl::Status Check(const v1::StreamTurnRequest& request) const;
  absl::Status Check(const v1::RunTurnRequest& request) const;
  absl::Status Check(const v1::SubmitTurnRequest& request) const;
  absl::Status Check(const v1::WatchTurnRequest& request) const;
  absl::Status Check(const v1::CancelTurnRequest& request) const;
  absl::Status Check(const v1::SubmitToolResultsRequest& request) const;
  absl::Status Check(const v1::GetTurnRequest& request) const;
  absl::Status Check(const v1::ListTurnsRequest& request) const;

  absl::Status Check(const v1::CreateSessionRequest& request) const;
  absl::Status Check(const v1::GetSessionRequest& request) const;
  absl::Status Check(const v1::ListSessionsRequest& request) const;
  absl::Status Check(const v1::UpdateSessionRequest& request) const;
  absl::Status Check(const v1::DeleteSessionRequest& request) const;

  absl::Status Check(const v1::CreateMemoryRequest& request) const;
  absl::Status Check(const v1::GetMemoryRequest& request) const;
  absl::Status Check(const v1::ListMemoriesRequest& request) const;
  absl::Status Check(const v1::SearchMemoriesRequest& request) const;
  absl::Status Check(const v1::DeleteMemoryRequest& request) const;

  // Urgency ACTION needs the scope turns.action.
  static absl::Status CheckScopes(const identity::Principal& principal,
                                  const chat::v1::TurnSpec& spec);

 private:
  absl::Status CheckTurn(absl::string_view session, absl::string_view request_id,
                         const chat::v1::TurnSpec& spec) const;
  absl::Status CheckInput(const chat::v1::TurnSpec& spec) const;
  absl::Status CheckOverrides(const chat::v1::Overrides& overrides) const;
  absl::Status CheckGeneration(const chat::v1::GenerationConfig& generation) const;
  absl::Status CheckTools(const chat::v1::Overrides& overrides) const;
  absl::Status CheckSession(const chat::v1::Session& session) const;
  absl::Status CheckAgent(absl::string_view agent) const;

  const config::v1::Config& config_;
  absl::flat_hash_set<std::string> agents_;
};

}  // namespace penstock::gateway
