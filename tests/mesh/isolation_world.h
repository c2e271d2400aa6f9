// Users with near-equal names, who all have the same things under the same names.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "tests/harness/caller.h"
#include "tests/harness/tokens.h"
#include "tests/mesh/in_process_mesh.h"

#include "absl/status/status.h"
#include "absl/status/statusor.h"

namespace penstock::mesh {

// What one user has, by name.
struct Names {
  // Every user has a session of this name.
  std::string same_session = "sessions/same";
  // Only this user has it.
  std::string session = {};
  // Ended, in `session`.
  std::string turn = {};
  // Runs for ever, in a session that only this user has; has said the canary.
  std::string live_turn = {};
  // Waits behind it.
  std::string queued_turn = {};
  std::string memory = {};
  // The second page of each list.
  std::string turns_page = {};
  std::string sessions_page = {};
  std::string memories_page = {};
};

struct Citizen {
  harness::TokenUser user;
  // Stands in everything that is theirs, and in nothing else.
  std::string canary;
  std::unique_ptr<harness::Caller> caller;
  Names names;
};

// `u1` and `u11` of one tenant; `b/c` of tenant `a` and `c` of tenant `a/b`. All call over one
// connection.
class IsolationWorld {
 public:
  // Everybody has three turns in "sessions/same", one in a session of their own, a running and a
  // waiting one, and memories of all that has ended.
  static absl::StatusOr<std::unique_ptr<IsolationWorld>> Make();

  const std::vector<Citizen>& citizens() const { return citizens_; }
  InProcessMesh& mesh() { return *mesh_; }

 private:
  absl::Status Settle(Citizen& citizen, int number);
  absl::Status Talk(Citizen& citizen, int number);
  absl::Status Remember(Citizen& citizen);
  absl::Status TakePages(Citizen& citizen);

  std::unique_ptr<InProcessMesh> mesh_;
  std::vector<Citizen> citizens_;
};

}  // namespace penstock::mesh
