#include "services/dispatcher/admission/tenant_share.h"

#include <gtest/gtest.h>

namespace penstock::dispatcher {
namespace {

constexpr absl::Duration kNow = absl::Hours(1);

int Taken(TenantShare& share, const std::string& tenant, absl::Duration now) {
  for (int taken = 0;; ++taken) {
    TenantShare::Part part = share.Take(tenant, now);
    if (!part) return taken;
    part.Keep();
  }
}

TEST(TenantShare, IsAlwaysTenTurnsAMinute) {
  TenantShare share(0.1);

  EXPECT_EQ(Taken(share, "acme", kNow), 10);
  EXPECT_EQ(Taken(share, "beta", kNow), 10);
  EXPECT_EQ(Taken(share, "acme", kNow + absl::Seconds(59)), 0);
  EXPECT_EQ(Taken(share, "acme", kNow + absl::Seconds(60)), 10);
}

TEST(TenantShare, IsAPartOfTheTurnsOfTheLastMinute) {
  TenantShare share(0.1);
  for (int i = 0; i < 900; ++i) share.CountOther("acme", kNow);

  // A tenth of 1,000.
  EXPECT_EQ(Taken(share, "acme", kNow + absl::Seconds(1)), 100);
  // The others have gone: the hundred are all there is.
  EXPECT_EQ(Taken(share, "acme", kNow + absl::Seconds(60)), 0);
  EXPECT_EQ(Taken(share, "acme", kNow + absl::Seconds(61)), 10);
}

TEST(TenantShare, ATurnThatIsRefusedGivesItsPartBack) {
  TenantShare share(0);
  for (int i = 0; i < 9; ++i) share.Take("acme", kNow).Keep();
  {
    const TenantShare::Part refused = share.Take("acme", kNow);
    EXPECT_TRUE(refused);
    EXPECT_FALSE(share.Take("acme", kNow));
  }

  EXPECT_EQ(Taken(share, "acme", kNow), 1);
}

TEST(TenantShare, ForgetsTenantsThatAreQuiet) {
  TenantShare share(0);
  EXPECT_EQ(Taken(share, "acme", kNow), 10);

  share.DropOld(kNow + absl::Seconds(30));
  EXPECT_EQ(Taken(share, "acme", kNow + absl::Seconds(30)), 0);
  share.DropOld(kNow + absl::Seconds(60));
  EXPECT_EQ(Taken(share, "acme", kNow + absl::Seconds(60)), 10);
}

}  // namespace
}  // namespace penstock::dispatcher
