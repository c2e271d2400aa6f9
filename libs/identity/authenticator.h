// What a server asks of every call before its handler runs: whom does it work for?
//
// JwtVerifier (jwt.h) answers at the gateway, GrantVerifier (grant.h) at every other service.
#pragma once

#include "libs/identity/principal.h"

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "absl/time/time.h"

namespace penstock::identity {

// Metadata of one call; empty is absent. Each of them may come once: a call that repeats one is
// refused before it gets here, since two readers could disagree about which one counts.
struct Credentials {
  absl::string_view authorization = "";  // "authorization"
  absl::string_view on_behalf_of = "";   // "penstock-on-behalf-of"
  absl::string_view grant = "";          // "penstock-grant-bin", as bytes
};

class Authenticator {
 public:
  virtual ~Authenticator() = default;

  // The principal the credentials prove, or a Refusal to be sent as it is: UNAUTHENTICATED,
  // PERMISSION_DENIED or, for a malformed user name, INVALID_ARGUMENT. Never blocks. Thread-safe.
  virtual absl::StatusOr<Principal> Authenticate(const Credentials& credentials,
                                                 absl::Time now) const = 0;
};

}  // namespace penstock::identity
