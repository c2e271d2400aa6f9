// What a server asks of every call before its handler runs: whom does it work for?
//
// JwtVerifier (jwt.h) answers at the gateway, GrantVerifier (grant.h) at every other service. It
// answers at once, from what is in memory. Where that may be about to change, since the key of a
// token is being fetched, the server asks a second question: whether to wait.
#pragma once

#include "libs/identity/principal.h"

#include "absl/functional/any_invocable.h"
#include "absl/status/status.h"
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
  // PERMISSION_DENIED, INVALID_ARGUMENT for a malformed user name, UNAVAILABLE while the
  // credentials cannot be checked. Never blocks. Thread-safe.
  virtual absl::StatusOr<Principal> Authenticate(const Credentials& credentials,
                                                 absl::Time now) const = 0;

  // Asked about every refusal. False: it stands, and `again` is dropped. True: Authenticate may
  // answer otherwise soon; `again` is called once, in bounded time and not inside of this call,
  // when it is worth asking again. Never blocks. Thread-safe.
  virtual bool Await(const Credentials& /*credentials*/, const absl::Status& /*refusal*/,
                     absl::AnyInvocable<void()> /*again*/) const {
    return false;
  }
};

}  // namespace penstock::identity
