#include "services/dispatcher/turn/pod_choice.h"

#include <map>

#include <gtest/gtest.h>

namespace penstock::dispatcher {
namespace {

using Outcome = PodChoice::Outcome;

class PodChoiceTest : public testing::Test {
 protected:
  // Address of the pod on which a call begins; "" if there is none.
  std::string Begin(const absl::flat_hash_set<PodId>& tried = {}) {
    const auto pod = choice_.Begin(tried, now_);
    if (!pod) return "";
    const std::string address = choice_.AddressOf(*pod);
    last_[address] = *pod;
    return address;
  }
  void End(const std::string& address, Outcome outcome) {
    choice_.End(last_.at(address), outcome, now_);
  }
  // Calls that begin and end one after the other, by address.
  std::map<std::string, int> Calls(int calls) {
    std::map<std::string, int> counts;
    for (int i = 0; i < calls; ++i) {
      const std::string address = Begin();
      ++counts[address];
      if (address != "") End(address, Outcome::kWell);
    }
    return counts;
  }

  PodChoice choice_{absl::Seconds(1)};
  absl::Duration now_ = absl::Seconds(1000);
  std::map<std::string, PodId> last_;
};

TEST_F(PodChoiceTest, WithoutAddressesThereIsNone) { EXPECT_EQ(Begin(), ""); }

TEST_F(PodChoiceTest, GoesRoundThePodsThatHaveAsManyCalls) {
  choice_.SetAddresses({"a", "b", "c"});

  EXPECT_EQ(Calls(9), (std::map<std::string, int>{{"a", 3}, {"b", 3}, {"c", 3}}));
}

TEST_F(PodChoiceTest, APodThatIsBusyGetsLess) {
  choice_.SetAddresses({"a", "b"});
  for (int i = 0; i < 4; ++i) Begin();
  choice_.SetAddresses({"a", "b", "new"});

  for (int i = 0; i < 2; ++i) EXPECT_EQ(Begin(), "new");
}

TEST_F(PodChoiceTest, SaysWhichPodsHaveComeAndGone) {
  const auto first = choice_.SetAddresses({"a", "b", "a", ""});
  EXPECT_EQ(first.come.size(), 2u);

  const auto second = choice_.SetAddresses({"c", "b"});

  EXPECT_EQ(second.come.size(), 1u);
  EXPECT_EQ(second.gone, std::vector<PodId>{first.come[0]});
  EXPECT_EQ(choice_.AddressOf(second.come[0]), "c");
  EXPECT_EQ(Calls(4), (std::map<std::string, int>{{"b", 2}, {"c", 2}}));
}

TEST_F(PodChoiceTest, AnAddressThatComesBackIsAnotherPod) {
  const PodId before = choice_.SetAddresses({"a"}).come[0];
  Begin();
  choice_.SetAddresses({});
  const PodId after = choice_.SetAddresses({"a"}).come[0];

  choice_.End(before, Outcome::kFailed, now_);

  EXPECT_NE(before, after);
  EXPECT_EQ(choice_.avoided(now_), 0u);
}

TEST_F(PodChoiceTest, APodThatFailedIsAvoidedForAWhile) {
  choice_.SetAddresses({"a", "b"});
  ASSERT_EQ(Begin(), "a");
  End("a", Outcome::kFailed);

  EXPECT_EQ(choice_.avoided(now_), 1u);
  EXPECT_EQ(Calls(5), (std::map<std::string, int>{{"b", 5}}));
  now_ += absl::Seconds(1);
  EXPECT_EQ(Calls(2), (std::map<std::string, int>{{"a", 1}, {"b", 1}}));
}

TEST_F(PodChoiceTest, APodThatFailsAgainIsAvoidedLonger) {
  choice_.SetAddresses({"a"});
  std::vector<absl::Duration> times;
  for (int i = 0; i < 8; ++i) {
    Begin();
    End("a", Outcome::kFailed);
    const absl::Duration failed = now_;
    while (choice_.avoided(now_) > 0) now_ += absl::Seconds(1);
    times.push_back(now_ - failed);
  }

  EXPECT_EQ(times[0], absl::Seconds(1));
  EXPECT_EQ(times[1], absl::Seconds(2));
  EXPECT_EQ(times[5], absl::Seconds(32));
  EXPECT_EQ(times[7], absl::Seconds(32));
}

TEST_F(PodChoiceTest, CallsThatBreakTogetherAreOneFailure) {
  choice_.SetAddresses({"a"});
  for (int i = 0; i < 10; ++i) Begin();
  for (int i = 0; i < 10; ++i) End("a", Outcome::kFailed);

  now_ += absl::Seconds(1);

  EXPECT_EQ(choice_.avoided(now_), 0u);
}

TEST_F(PodChoiceTest, ACallThatGoesWellEndsTheAvoidance) {
  choice_.SetAddresses({"a", "b"});
  Begin();
  End("a", Outcome::kFailed);
  now_ += absl::Seconds(1);
  Calls(3);

  EXPECT_EQ(Begin(), "a");
  End("a", Outcome::kFailed);
  now_ += absl::Seconds(1);

  EXPECT_EQ(choice_.avoided(now_), 0u);
}

TEST_F(PodChoiceTest, APodThatIsFullIsAskedAfterTheOthersUntilACallOfItEnds) {
  choice_.SetAddresses({"a", "b"});
  ASSERT_EQ(Begin(), "a");
  ASSERT_EQ(Begin(), "b");
  ASSERT_EQ(Begin(), "a");
  End("a", Outcome::kFull);
  EXPECT_EQ(Begin(), "b");
  EXPECT_EQ(Begin(), "b");

  End("a", Outcome::kWell);

  EXPECT_EQ(Begin(), "a");
}

TEST_F(PodChoiceTest, TriesEveryPodOnceAlsoThoseThatFailed) {
  const auto pods = choice_.SetAddresses({"a", "b"}).come;
  ASSERT_EQ(Begin(), "a");
  End("a", Outcome::kFailed);

  EXPECT_EQ(Begin({pods[1]}), "a");
  EXPECT_EQ(Begin({pods[0], pods[1]}), "");
}

}  // namespace
}  // namespace penstock::dispatcher
