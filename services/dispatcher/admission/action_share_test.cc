#include "services/dispatcher/admission/action_share.h"

#include <gtest/gtest.h>

namespace penstock::dispatcher {
namespace {

constexpr absl::Duration kNow = absl::Hours(1);

int Taken(ActionShare& share, const std::string& tenant, absl::Duration now) {
  int taken = 0;
  while (share.Take(tenant, now)) ++taken;
  return taken;
}

TEST(ActionShare, IsAlwaysTenTurnsAMinute) {
  ActionShare share(0.1);

  EXPECT_EQ(Taken(share, "acme", kNow), 10);
  EXPECT_EQ(Taken(share, "beta", kNow), 10);
  EXPECT_EQ(Taken(share, "acme", kNow + absl::Seconds(59)), 0);
  EXPECT_EQ(Taken(share, "acme", kNow + absl::Seconds(60)), 10);
}

TEST(ActionShare, IsAPartOfTheTurnsOfTheLastMinute) {
  ActionShare share(0.1);
  for (int i = 0; i < 900; ++i) share.CountOther("acme", kNow);

  // A tenth of 1,000.
  EXPECT_EQ(Taken(share, "acme", kNow + absl::Seconds(1)), 100);
  // The others have gone: the hundred are all there is.
  EXPECT_EQ(Taken(share, "acme", kNow + absl::Seconds(60)), 0);
  EXPECT_EQ(Taken(share, "acme", kNow + absl::Seconds(61)), 10);
}

TEST(ActionShare, ATurnThatIsRefusedGivesItsPartBack) {
  ActionShare share(0);
  EXPECT_EQ(Taken(share, "acme", kNow), 10);

  share.GiveBack("acme", kNow);

  EXPECT_EQ(Taken(share, "acme", kNow), 1);
  share.GiveBack("nobody", kNow);
}

TEST(ActionShare, ForgetsTenantsThatAreQuiet) {
  ActionShare share(0);
  EXPECT_EQ(Taken(share, "acme", kNow), 10);

  share.DropOld(kNow + absl::Seconds(30));
  EXPECT_EQ(Taken(share, "acme", kNow + absl::Seconds(30)), 0);
  share.DropOld(kNow + absl::Seconds(60));
  EXPECT_EQ(Taken(share, "acme", kNow + absl::Seconds(60)), 10);
}

}  // namespace
}  // namespace penstock::dispatcher
