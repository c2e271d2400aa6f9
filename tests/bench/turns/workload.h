// Who talks about what: users with tokens, sessions, memories and inputs, the same in every run.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "libs/identity/jwt_algorithm.h"

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"

namespace penstock::bench {

struct WorkloadOptions {
  int users = 1000;
  // Sessions of one user.
  int sessions = 1;
  // The key of issuer "bench": PEM; for HS256 the secret's bytes.
  identity::JwtAlgorithm algorithm = identity::JwtAlgorithm::kEs256;
  std::string private_key = "";
  // Text of one input, directives not counted.
  int input_bytes = 200;
  // Lines for the provider simulator, appended to every input.
  std::string directives = "";
};

// Thread-safe.
class Workload {
 public:
  // Signs a token for every user, valid for a day.
  static absl::StatusOr<Workload> Create(WorkloadOptions options);

  // Turns go round the users, then round their sessions.
  int UserOf(int64_t turn) const;
  std::string SessionOf(int64_t turn) const;
  static std::string SessionName(int session);
  // "Bearer ..."
  const std::string& Authorization(int user) const;

  // Words of a vocabulary of 1,000, so that recall has something to rank.
  std::string InputOf(int64_t turn) const;
  std::string MemoryOf(int user, int memory) const;

  // What a turn with `history` turns and 15 recalled memories sends to the provider.
  std::string ProviderRequest(int history) const;

  const WorkloadOptions& options() const { return options_; }

 private:
  explicit Workload(WorkloadOptions options) : options_(std::move(options)) {}

  WorkloadOptions options_;
  std::vector<std::string> authorizations_;
};

}  // namespace penstock::bench
