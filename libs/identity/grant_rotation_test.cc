// A change of the grant root, in the order that the configuration describes, with services one step
// apart: a rolling restart.
#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "libs/base/refusal.h"
#include "libs/identity/grant.h"
#include "libs/identity/testing.h"

#include "absl/strings/escaping.h"

namespace penstock::identity {
namespace {

using ::testing::HasSubstr;

const absl::Time kNow = absl::FromUnixSeconds(1'800'000'000);
const std::string kOld(32, 'o');
const std::string kNew(32, 'n');

constexpr absl::string_view kServices[] = {kDispatcherAudience, kSessionStateAudience,
                                           kMemoryRecallAudience, kProviderAdapterAudience};

config::v1::Identity Roots(const std::string& root, const std::string& previous) {
  config::v1::Identity config;
  config.set_grant_root(absl::Base64Escape(root));
  if (!previous.empty()) config.set_previous_grant_root(absl::Base64Escape(previous));
  return config;
}

// What gateway and dispatcher have at each step: before, the new root known, exchanged, after.
std::vector<config::v1::Identity> Steps() {
  return {Roots(kOld, ""), Roots(kOld, kNew), Roots(kNew, kOld), Roots(kNew, "")};
}

// The same step of a service that has its own keys alone.
config::v1::Identity KeysAlone(const config::v1::Identity& roots, absl::string_view audience) {
  const GrantKeys keys = GrantKeysOf(roots, audience).value();
  config::v1::Identity config;
  config.set_grant_key(absl::Base64Escape(keys.current));
  if (!keys.previous.empty()) config.set_previous_grant_key(absl::Base64Escape(keys.previous));
  return config;
}

std::string MintedAt(const config::v1::Identity& step, absl::string_view audience) {
  return GrantMinter(GrantRootOf(step).value())
      .Mint(audience, PrincipalForTest("acme", "ann"), "", kNow);
}

GrantVerifier VerifierAt(const config::v1::Identity& step, absl::string_view audience) {
  const GrantKeys keys = GrantKeysOf(step, audience).value();
  return GrantVerifier(audience, keys.current, keys.previous);
}

TEST(GrantRotation, HoldsBetweenServicesThatAreOneStepApart) {
  const std::vector<config::v1::Identity> steps = Steps();
  for (size_t minter = 0; minter < steps.size(); ++minter) {
    for (size_t verifier = 0; verifier < steps.size(); ++verifier) {
      const bool apart = minter > verifier + 1 || verifier > minter + 1;
      if (apart) continue;
      for (const absl::string_view audience : kServices) {
        const std::string grant = MintedAt(steps[minter], audience);

        EXPECT_TRUE(VerifierAt(steps[verifier], audience).Verify(grant, kNow).ok())
            << audience << " at step " << verifier << ", grant of step " << minter;
        EXPECT_TRUE(
            VerifierAt(KeysAlone(steps[verifier], audience), audience).Verify(grant, kNow).ok())
            << audience << " with keys alone at step " << verifier;
      }
    }
  }
}

TEST(GrantRotation, EndsWithTheOldRootOfNoUse) {
  const std::vector<config::v1::Identity> steps = Steps();

  const absl::Status refused = VerifierAt(steps[3], kDispatcherAudience)
                                   .Verify(MintedAt(steps[1], kDispatcherAudience), kNow)
                                   .status();

  EXPECT_EQ(ReasonOf(refused), "GRANT_SIGNATURE");
  EXPECT_THAT(std::string(refused.message()), HasSubstr("made with another key"));
}

TEST(GrantRotation, NothingIsMintedWithThePreviousRoot) {
  const std::vector<config::v1::Identity> steps = Steps();
  for (const absl::string_view audience : kServices) {
    const auto verifies = [&](const std::string& root, const config::v1::Identity& step) {
      return VerifierAt(Roots(root, ""), audience).Verify(MintedAt(step, audience), kNow).ok();
    };
    EXPECT_TRUE(verifies(kOld, steps[1]));
    EXPECT_FALSE(verifies(kNew, steps[1]));
    EXPECT_TRUE(verifies(kNew, steps[2]));
    EXPECT_FALSE(verifies(kOld, steps[2]));
  }
}

TEST(GrantRotation, AnAlteredGrantIsRefusedUnderBothKeys) {
  const config::v1::Identity both = Roots(kNew, kOld);
  const GrantVerifier verifier = VerifierAt(both, kDispatcherAudience);
  for (const std::string& root : {kOld, kNew}) {
    const std::string grant = MintedAt(Roots(root, ""), kDispatcherAudience);
    ASSERT_TRUE(verifier.Verify(grant, kNow).ok());
    for (size_t bit = 0; bit < grant.size() * 8; ++bit) {
      std::string flipped = grant;
      flipped[bit / 8] = static_cast<char>(flipped[bit / 8] ^ (1 << (bit % 8)));

      EXPECT_FALSE(verifier.Verify(flipped, kNow).ok()) << "bit " << bit;
    }
    // Its last byte is of the MAC, so the key's id still stands in it.
    std::string altered = grant;
    altered.back() = static_cast<char>(altered.back() ^ 1);
    EXPECT_THAT(std::string(verifier.Verify(altered, kNow).status().message()),
                HasSubstr("altered on its way"));
  }
}

TEST(GrantRotation, ThePreviousKeyIsCheckedAsTheCurrentOneIs) {
  config::v1::Identity config = Roots(kNew, kOld);
  config.set_previous_grant_key(absl::Base64Escape(DeriveGrantKey(kOld, kSessionStateAudience)));
  EXPECT_TRUE(GrantKeysOf(config, kSessionStateAudience).ok());
  EXPECT_THAT(std::string(GrantKeysOf(config, kDispatcherAudience).status().message()),
              HasSubstr("identity.previous_grant_key: is not the key of \"dispatcher\" under "
                        "identity.previous_grant_root"));

  config = Roots(kNew, "");
  config.set_previous_grant_root("c2hvcnQ=");
  EXPECT_THAT(std::string(GrantKeysOf(config, kDispatcherAudience).status().message()),
              HasSubstr("identity.previous_grant_root: found 5 bytes"));

  config::v1::Identity previous_alone;
  previous_alone.set_previous_grant_root(absl::Base64Escape(kOld));
  EXPECT_THAT(std::string(GrantKeysOf(previous_alone, kDispatcherAudience).status().message()),
              HasSubstr("identity.grant_key: missing"));
}

}  // namespace
}  // namespace penstock::identity
