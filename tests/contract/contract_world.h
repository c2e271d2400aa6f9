// A mesh in which two users have everything that a row can name.
#pragma once

#include <map>
#include <memory>
#include <string>

#include <grpcpp/channel.h>

#include "tests/contract/refusal_table.h"
#include "tests/contract/request_text.h"
#include "tests/mesh/isolation_world.h"

#include "absl/status/status.h"
#include "absl/status/statusor.h"

namespace penstock::contract {

// Gateway and services are real and the calls travel over a socket; only the provider is simulated.
// Not thread-safe.
class ContractWorld {
 public:
  static absl::StatusOr<std::unique_ptr<ContractWorld>> Make();

  // What the two have: of the one who asks "session", "turn", "live_turn", "live_session",
  // "waiting_turn" with its "call", "memory", and the second pages of the lists; of the other the
  // same behind "their_".
  const Names& names() const { return names_; }
  // The same, but for the other's names, which nobody has; each as long as the one it stands for.
  const Names& absent_names() const { return absent_names_; }

  // Sends one row to "Turns.GetTurn" and answers what came. `request`: its encoding.
  absl::Status Send(const std::string& rpc, const std::string& caller, const std::string& request);

  // Everything that the two have, as text. An error when a list cannot be read: the mesh is ill.
  absl::StatusOr<std::string> Stored() const;

 private:
  using Metadata = std::multimap<std::string, std::string>;

  ContractWorld() = default;

  absl::Status Prepare();
  absl::Status AwaitRunning() const;
  absl::Status PrepareWaitingTurn();
  void NameWhatIsThere();
  absl::StatusOr<Metadata> MetadataOf(const std::string& caller) const;

  std::unique_ptr<mesh::IsolationWorld> world_;
  std::shared_ptr<grpc::Channel> channel_;
  Names names_;
  Names absent_names_;
};

}  // namespace penstock::contract
