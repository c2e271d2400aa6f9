// Attacks on the check of tokens, by name, for tests. Link penstock_identity_testing.
//
// Where an attack has a number or a paper, its name says so. Broader matrices of malformed tokens,
// without names, are in jwt_attack_test.cc.
#pragma once

#include <string>
#include <vector>

#include "libs/identity/token_lab.h"

#include "absl/status/status.h"

namespace penstock::identity {

struct TokenAttack {
  std::string name;
  // As metadata.
  std::string authorization;
  // ErrorInfo.reason of its refusal.
  std::string reason;
  std::string on_behalf_of = "";
  absl::StatusCode code = absl::StatusCode::kUnauthenticated;
};

// Against the issuers of `lab`, at TokenLab::Now().
std::vector<TokenAttack> TokenAttacks(const TokenLab& lab);

}  // namespace penstock::identity
