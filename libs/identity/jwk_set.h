// A JSON Web Key Set (RFC 7517, section 5): the document in which an issuer publishes its keys.
#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "libs/identity/jwk.h"
#include "libs/identity/jwt_key.h"

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"

namespace penstock::identity {

// The one key among `keys` with this `kid`; without one, the only key there is. nullptr otherwise.
const JwtKey* FindKey(const std::vector<JwtKey>& keys, const std::optional<std::string>& kid);

struct JwkSetLimits {
  int64_t max_bytes = 0;
  // Also of keys that are left out.
  int32_t max_keys = 0;
};

// The keys of one document that can verify signatures. Immutable.
class JwkSet {
 public:
  // Keys we cannot or must not use are left out and counted. kInvalidArgument for a document that
  // is none: larger than the limits, not exactly one JSON object with each member once (at any
  // depth), without an array `keys` of objects, or without any key to use, which would lock
  // everybody out.
  static absl::StatusOr<std::shared_ptr<const JwkSet>> Parse(absl::string_view document,
                                                             const JwkSetLimits& limits);

  // At least one; of several each has its own `kid`.
  const std::vector<JwtKey>& keys() const { return keys_; }
  // How many were left out, by reason.
  const std::map<JwkFlaw, int>& left_out() const { return left_out_; }

 private:
  JwkSet() = default;

  // Leaves out all keys that `unfit` names.
  template <class Unfit>
  void LeaveOut(JwkFlaw flaw, Unfit unfit);

  std::vector<JwtKey> keys_;
  std::map<JwkFlaw, int> left_out_;
};

}  // namespace penstock::identity
