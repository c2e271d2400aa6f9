#include "libs/identity/grant.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "libs/base/refusal.h"
#include "libs/identity/testing.h"
#include "penstock/identity/v1/grant.pb.h"

#include "absl/strings/escaping.h"

namespace penstock::identity {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;

const absl::Time kNow = absl::FromUnixMillis(1'800'000'000'250);
const std::string kRoot(32, 'r');

Principal Ann() {
  Principal ann = PrincipalForTest("acme", "ann");
  ann.scopes = {"chat", "operator"};
  ann.admitted = kNow - absl::Seconds(3);
  return ann;
}

GrantVerifier VerifierOf(absl::string_view audience, absl::string_view root = kRoot) {
  return GrantVerifier(audience, DeriveGrantKey(root, audience));
}

std::string ReasonFor(const GrantVerifier& verifier, absl::string_view grant, absl::Time now) {
  const absl::StatusOr<Principal> principal = verifier.Verify(grant, now);
  if (principal.ok()) return "accepted";
  EXPECT_EQ(principal.status().code(), absl::StatusCode::kUnauthenticated);
  return ReasonOf(principal.status());
}

TEST(Grant, CarriesThePrincipalToItsAudience) {
  const std::string grant = GrantMinter(kRoot).Mint(kSessionStateAudience, Ann(), "turn1", kNow);

  const absl::StatusOr<Principal> principal =
      VerifierOf(kSessionStateAudience).Authenticate({.grant = grant}, kNow);

  ASSERT_TRUE(principal.ok()) << principal.status();
  EXPECT_EQ(principal->tenant, "acme");
  EXPECT_EQ(principal->user, "ann");
  EXPECT_EQ(principal->tier, "paid");
  EXPECT_THAT(principal->scopes, ElementsAre("chat", "operator"));
  EXPECT_EQ(principal->admitted, kNow - absl::Seconds(3));
  EXPECT_EQ(principal->turn, "turn1");
  EXPECT_EQ(principal->key, UserKeyForTest("acme", "ann"));
}

TEST(Grant, WithAnyBitFlippedIsRefused) {
  const GrantVerifier verifier = VerifierOf(kSessionStateAudience);
  const std::string grant = GrantMinter(kRoot).Mint(kSessionStateAudience, Ann(), "turn1", kNow);
  ASSERT_EQ(ReasonFor(verifier, grant, kNow), "accepted");

  for (size_t bit = 0; bit < grant.size() * 8; ++bit) {
    std::string flipped = grant;
    flipped[bit / 8] = static_cast<char>(flipped[bit / 8] ^ (1 << (bit % 8)));

    EXPECT_NE(ReasonFor(verifier, flipped, kNow), "accepted") << "bit " << bit;
  }
}

TEST(Grant, CutShortAnywhereIsRefused) {
  const GrantVerifier verifier = VerifierOf(kDispatcherAudience);
  const std::string grant = GrantMinter(kRoot).Mint(kDispatcherAudience, Ann(), "", kNow);

  for (size_t size = 0; size < grant.size(); ++size) {
    EXPECT_NE(ReasonFor(verifier, grant.substr(0, size), kNow), "accepted") << size << " bytes";
  }
}

TEST(Grant, LivesForItsLifetimeAndNotLonger) {
  const GrantVerifier verifier = VerifierOf(kDispatcherAudience);
  const absl::Time whole = absl::FromUnixSeconds(1'800'000'000);
  const std::string grant =
      GrantMinter(kRoot, absl::Seconds(60)).Mint(kDispatcherAudience, Ann(), "", whole);

  EXPECT_EQ(ReasonFor(verifier, grant, whole + absl::Milliseconds(59'999)), "accepted");
  EXPECT_EQ(ReasonFor(verifier, grant, whole + absl::Seconds(60)), "GRANT_EXPIRED");
}

TEST(Grant, OfAFractionOfASecondIsRoundedUp) {
  const GrantVerifier verifier = VerifierOf(kDispatcherAudience);
  const std::string grant =
      GrantMinter(kRoot, absl::Milliseconds(500)).Mint(kDispatcherAudience, Ann(), "", kNow);

  EXPECT_EQ(ReasonFor(verifier, grant, kNow + absl::Milliseconds(500)), "accepted");
  EXPECT_EQ(ReasonFor(verifier, grant, kNow + absl::Milliseconds(750)), "GRANT_EXPIRED");
}

TEST(Grant, ForAnotherServiceIsRefused) {
  const std::string grant = GrantMinter(kRoot).Mint(kMemoryRecallAudience, Ann(), "", kNow);

  EXPECT_EQ(ReasonFor(VerifierOf(kSessionStateAudience), grant, kNow), "GRANT_AUDIENCE");
}

TEST(Grant, ForAnotherServiceIsRefusedEvenUnderTheSameKey) {
  const std::string grant = GrantMinter(kRoot).Mint(kMemoryRecallAudience, Ann(), "", kNow);
  const GrantVerifier misconfigured(kSessionStateAudience,
                                    DeriveGrantKey(kRoot, kMemoryRecallAudience));

  EXPECT_EQ(ReasonFor(misconfigured, grant, kNow), "GRANT_AUDIENCE");
}

TEST(Grant, UnderAnotherRootSaysWhatToDo) {
  const std::string grant =
      GrantMinter(std::string(32, 'x')).Mint(kDispatcherAudience, Ann(), "", kNow);

  const absl::Status status = VerifierOf(kDispatcherAudience).Verify(grant, kNow).status();

  EXPECT_EQ(ReasonOf(status), "GRANT_SIGNATURE");
  EXPECT_THAT(std::string(status.message()), HasSubstr("keys of the same identity.grant_root"));
}

TEST(Grant, MissingAndForeignBytesAreRefused) {
  const GrantVerifier verifier = VerifierOf(kDispatcherAudience);

  EXPECT_EQ(ReasonFor(verifier, "", kNow), "GRANT_MISSING");
  EXPECT_EQ(ReasonFor(verifier, "Bearer a.b.c", kNow), "GRANT_MALFORMED");
  EXPECT_NE(ReasonFor(verifier, std::string(4096, '\0'), kNow), "accepted");
}

// Properly signed, so made by a service of ours, but of no use.
TEST(Grant, WithoutUserOrTierIsMalformed) {
  const GrantVerifier verifier = VerifierOf(kDispatcherAudience);
  Principal nobody = Ann();
  nobody.user = "";
  Principal untiered = Ann();
  untiered.tier = "";

  const GrantMinter minter(kRoot);

  EXPECT_EQ(ReasonFor(verifier, minter.Mint(kDispatcherAudience, nobody, "", kNow), kNow),
            "GRANT_MALFORMED");
  EXPECT_EQ(ReasonFor(verifier, minter.Mint(kDispatcherAudience, untiered, "", kNow), kNow),
            "GRANT_MALFORMED");
}

TEST(Grant, CanBeForAServiceThatTheMinterDidNotPrepare) {
  const std::string grant = GrantMinter(kRoot).Mint("tool-adapter", Ann(), "", kNow);

  EXPECT_EQ(ReasonFor(VerifierOf("tool-adapter"), grant, kNow), "accepted");
}

TEST(GrantKey, IsHkdfSha256OfRootAndAudience) {
  // Computed with Python's hmac module after RFC 5869.
  EXPECT_EQ(absl::BytesToHexString(DeriveGrantKey(kRoot, "session-state")),
            "d0ecb6ff595bf04c4e22c032347229539356cdf0b1291dae21e63e94f17f1442");
}

TEST(GrantKey, OfAServiceIsDerivedOrGiven) {
  config::v1::Identity root_only;
  root_only.set_grant_root(absl::Base64Escape(kRoot));
  const std::string derived = DeriveGrantKey(kRoot, kMemoryRecallAudience);
  config::v1::Identity key_only;
  key_only.set_grant_key(absl::Base64Escape(derived));

  EXPECT_EQ(GrantKeysOf(root_only, kMemoryRecallAudience)->current, derived);
  EXPECT_EQ(GrantKeysOf(key_only, kMemoryRecallAudience)->current, derived);
  EXPECT_EQ(GrantKeysOf(root_only, kMemoryRecallAudience)->previous, "");
}

TEST(GrantKey, OfAnotherServiceThanTheRootSaysIsRefused) {
  config::v1::Identity config;
  config.set_grant_root(absl::Base64Escape(kRoot));
  config.set_grant_key(absl::Base64Escape(DeriveGrantKey(kRoot, kDispatcherAudience)));

  EXPECT_TRUE(GrantKeysOf(config, kDispatcherAudience).ok());
  EXPECT_THAT(std::string(GrantKeysOf(config, kMemoryRecallAudience).status().message()),
              HasSubstr("identity.grant_key"));
}

TEST(GrantKey, RefusesAbsentShortAndGarbledRoots) {
  config::v1::Identity config;
  EXPECT_THAT(std::string(GrantRootOf(config).status().message()),
              HasSubstr("grant_root: missing"));
  EXPECT_THAT(std::string(GrantKeysOf(config, kDispatcherAudience).status().message()),
              HasSubstr("penstock token grant-key dispatcher"));

  config.set_grant_root(absl::Base64Escape(std::string(31, 'r')));
  EXPECT_THAT(std::string(GrantRootOf(config).status().message()),
              HasSubstr("found 31 bytes, expected at least 32"));

  config.set_grant_root("not base64!");
  EXPECT_THAT(std::string(GrantRootOf(config).status().message()), HasSubstr("not base64"));
}

}  // namespace
}  // namespace penstock::identity
