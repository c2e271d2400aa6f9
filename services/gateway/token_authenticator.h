// Who calls the public API: by the caller's token, which may have to wait for its issuer's keys.
#pragma once

#include "libs/identity/authenticator.h"
#include "libs/identity/jwt.h"
#include "services/gateway/key_fetchers.h"
#include "services/gateway/refusal_counter.h"

namespace penstock::gateway {

// Counts the refusals too: they end a call before it reaches its handler. Thread-safe; the
// references outlive it.
class TokenAuthenticator final : public identity::Authenticator {
 public:
  TokenAuthenticator(const identity::JwtVerifier& verifier, const KeyFetchers& fetchers,
                     const RefusalCounter& refusals)
      : verifier_(verifier), fetchers_(fetchers), refusals_(refusals) {}

  absl::StatusOr<identity::Principal> Authenticate(const identity::Credentials& credentials,
                                                   absl::Time now) const override;
  // True when the issuer may publish the key that the token needs.
  bool Await(const identity::Credentials& credentials, const absl::Status& refusal,
             absl::AnyInvocable<void()> again) const override;

 private:
  bool AwaitKey(const identity::Credentials& credentials, absl::AnyInvocable<void()> again) const;

  const identity::JwtVerifier& verifier_;
  const KeyFetchers& fetchers_;
  const RefusalCounter& refusals_;
};

}  // namespace penstock::gateway
