#include "services/gateway/token_authenticator.h"

#include <utility>

namespace penstock::gateway {

absl::StatusOr<identity::Principal> TokenAuthenticator::Authenticate(
    const identity::Credentials& credentials, absl::Time now) const {
  return verifier_.Authenticate(credentials, now);
}

bool TokenAuthenticator::Await(const identity::Credentials& credentials,
                               const absl::Status& refusal,
                               absl::AnyInvocable<void()> again) const {
  if (absl::IsUnavailable(refusal) && AwaitKey(credentials, std::move(again))) return true;
  refusals_.Count(refusal);
  return false;
}

bool TokenAuthenticator::AwaitKey(const identity::Credentials& credentials,
                                  absl::AnyInvocable<void()> again) const {
  const auto missing = verifier_.MissingKeyOf(credentials.authorization);
  return missing && fetchers_.Of(*missing->keys).Await(missing->kid, std::move(again));
}

}  // namespace penstock::gateway
