// Counts how public calls are refused.
#pragma once

#include "libs/identity/authenticator.h"
#include "libs/obs/metrics.h"

#include "absl/container/flat_hash_map.h"
#include "absl/status/status.h"
#include "absl/strings/string_view.h"

namespace penstock::gateway {

// Thread-safe.
class RefusalCounter {
 public:
  explicit RefusalCounter(obs::Metrics& metrics);

  // By reason. OK and CANCELLED are no refusals; INTERNAL counts as such, what is unknown as OTHER.
  void Count(const absl::Status& status) const;

 private:
  absl::flat_hash_map<absl::string_view, prometheus::Counter*> by_reason_;
};

// An authenticator whose refusals are counted too: they end a call before it reaches its handler.
// Both references outlive it.
class CountedAuthenticator final : public identity::Authenticator {
 public:
  CountedAuthenticator(const identity::Authenticator& inner, const RefusalCounter& refusals)
      : inner_(inner), refusals_(refusals) {}

  absl::StatusOr<identity::Principal> Authenticate(const identity::Credentials& credentials,
                                                   absl::Time now) const override {
    auto principal = inner_.Authenticate(credentials, now);
    refusals_.Count(principal.status());
    return principal;
  }

 private:
  const identity::Authenticator& inner_;
  const RefusalCounter& refusals_;
};

}  // namespace penstock::gateway
