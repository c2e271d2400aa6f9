#include "libs/identity/grant.h"

#include <algorithm>

#include "libs/base/refusal.h"
#include "libs/base/status_macros.h"
#include "penstock/identity/v1/grant.pb.h"

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"

namespace penstock::identity {
namespace {

constexpr size_t kMacBytes = std::tuple_size_v<HmacSha256::Mac>;

int64_t CeilToUnixSeconds(absl::Time time) {
  const int64_t seconds = absl::ToUnixSeconds(time);
  return absl::FromUnixSeconds(seconds) < time ? seconds + 1 : seconds;
}

Refusal Refuse(absl::string_view reason, absl::string_view message) {
  return Refusal(absl::StatusCode::kUnauthenticated, reason, absl::StrCat("grant: ", message));
}

// A string field of less than 128 bytes, as protobuf writes it.
std::string Field(int number, absl::string_view value) {
  const char header[] = {static_cast<char>(number << 3 | 2), static_cast<char>(value.size())};
  return absl::StrCat(absl::string_view(header, sizeof(header)), value);
}

absl::Status WrongAudience(absl::string_view audience) {
  return Refuse("GRANT_AUDIENCE", absl::StrCat("made for another service, this is \"", audience,
                                               "\"; check the endpoints of the calling service"));
}

// Says why a MAC does not match. Looks for the fields that GrantMinter writes; bytes that nobody
// has vouched for are not parsed.
absl::Status ExplainMismatch(absl::string_view grant, absl::string_view audience,
                             const std::vector<std::string>& key_ids) {
  if (!absl::StartsWith(grant, Field(v1::Grant::kAudienceFieldNumber, audience))) {
    return WrongAudience(audience);
  }
  const bool ours = std::any_of(key_ids.begin(), key_ids.end(), [grant](const std::string& id) {
    return absl::StrContains(grant, Field(v1::Grant::kKeyIdFieldNumber, id));
  });
  if (!ours) {
    return Refuse("GRANT_SIGNATURE",
                  absl::StrCat("made with another key, this service has key ",
                               absl::StrJoin(key_ids, " and before it "),
                               "; give all services keys of the same identity.grant_root"));
  }
  return Refuse("GRANT_SIGNATURE", "altered on its way; call again");
}

absl::Status Malformed(absl::string_view problem) {
  return Refuse("GRANT_MALFORMED", absl::StrCat(problem, "; run the same version of all services"));
}

absl::Status CheckContent(const v1::Grant& grant, absl::string_view audience, absl::Time now) {
  if (grant.audience() != audience) return WrongAudience(audience);
  if (now >= absl::FromUnixSeconds(grant.expires())) {
    return Refuse(
        "GRANT_EXPIRED",
        absl::StrCat("expired at ",
                     absl::FormatTime(absl::FromUnixSeconds(grant.expires()), absl::UTCTimeZone()),
                     "; call again, and check that the services' clocks agree"));
  }
  if (grant.tenant().empty() || grant.user().empty() || grant.tier().empty()) {
    return Malformed("names no tenant, user or tier");
  }
  return absl::OkStatus();
}

}  // namespace

GrantMinter::GrantMinter(absl::string_view root, absl::Duration lifetime)
    : root_(root), lifetime_(lifetime) {
  for (const absl::string_view audience : {kDispatcherAudience, kSessionStateAudience,
                                           kMemoryRecallAudience, kProviderAdapterAudience}) {
    keys_.emplace_back(audience, GrantKey(DeriveGrantKey(root, audience)));
  }
}

std::string GrantMinter::Mint(absl::string_view audience, const Principal& principal,
                              absl::string_view turn_id, absl::Time now) const {
  for (const auto& [known, key] : keys_) {
    if (known == audience) return MintWith(key, audience, principal, turn_id, now);
  }
  return MintWith(GrantKey(DeriveGrantKey(root_, audience)), audience, principal, turn_id, now);
}

std::string GrantMinter::MintWith(const GrantKey& key, absl::string_view audience,
                                  const Principal& principal, absl::string_view turn_id,
                                  absl::Time now) const {
  // Cleared strings keep their memory: half the price of a new message.
  thread_local v1::Grant grant;
  grant.Clear();
  grant.set_audience(audience.data(), audience.size());
  grant.set_tenant(principal.tenant);
  grant.set_user(principal.user);
  grant.set_tier(principal.tier);
  for (const std::string& scope : principal.scopes) grant.add_scopes(scope);
  grant.set_turn(turn_id.data(), turn_id.size());
  grant.set_key_id(key.id);
  grant.set_expires(CeilToUnixSeconds(now + lifetime_));
  grant.set_admitted_ms(absl::ToUnixMillis(principal.admitted));

  v1::SignedGrant signed_grant;
  grant.SerializeToString(signed_grant.mutable_grant());
  const HmacSha256::Mac mac = key.hmac.Sign(signed_grant.grant());
  signed_grant.set_mac(mac.data(), mac.size());
  return signed_grant.SerializeAsString();
}

GrantVerifier::GrantVerifier(absl::string_view audience, absl::string_view key,
                             absl::string_view previous)
    : audience_(audience), key_(key) {
  if (!previous.empty()) previous_.emplace(previous);
}

absl::StatusOr<Principal> GrantVerifier::Verify(absl::string_view bytes, absl::Time now) const {
  if (bytes.empty()) {
    return Refuse("GRANT_MISSING",
                  absl::StrCat("no metadata ", kGrantMetadata,
                               "; this port is for Penstock's services, callers use the gateway"));
  }
  v1::SignedGrant signed_grant;
  if (!signed_grant.ParseFromArray(bytes.data(), static_cast<int>(bytes.size())) ||
      signed_grant.grant().empty() || signed_grant.mac().size() != kMacBytes) {
    return Malformed(absl::StrCat("metadata ", kGrantMetadata, " is no SignedGrant"));
  }
  const auto holds_under = [&signed_grant](const GrantKey& key) {
    return key.hmac.Verify(signed_grant.grant(), signed_grant.mac());
  };
  if (!holds_under(key_) && !(previous_ && holds_under(*previous_))) {
    std::vector<std::string> ids = {key_.id};
    if (previous_) ids.push_back(previous_->id);
    return ExplainMismatch(signed_grant.grant(), audience_, ids);
  }
  v1::Grant grant;
  if (!grant.ParseFromString(signed_grant.grant())) return Malformed("signed, but no Grant");
  PENSTOCK_RETURN_IF_ERROR(CheckContent(grant, audience_, now));
  const UserKey key(grant.tenant(), grant.user());
  return Principal{
      .tenant = std::move(*grant.mutable_tenant()),
      .user = std::move(*grant.mutable_user()),
      .tier = std::move(*grant.mutable_tier()),
      .scopes = {std::make_move_iterator(grant.mutable_scopes()->begin()),
                 std::make_move_iterator(grant.mutable_scopes()->end())},
      .admitted = absl::FromUnixMillis(grant.admitted_ms()),
      .turn = std::move(*grant.mutable_turn()),
      .key = key,
  };
}

absl::StatusOr<Principal> GrantVerifier::Authenticate(const Credentials& credentials,
                                                      absl::Time now) const {
  return Verify(credentials.grant, now);
}

}  // namespace penstock::identity
