#include "services/gateway/backlog.h"

#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "libs/base/fake_clock.h"
#include "libs/base/refusal.h"

namespace penstock::gateway {
namespace {

class BacklogTest : public testing::Test {
 protected:
  // How many of `count` find room.
  int Enter(int count, bool urgent = false) {
    int entered = 0;
    for (int i = 0; i < count; ++i) {
      auto place = backlog_.Enter(urgent);
      if (place == nullptr) continue;
      places_.push_back(std::move(place));
      ++entered;
    }
    return entered;
  }
  void Answer(size_t count) {
    places_.erase(places_.begin(), places_.begin() + static_cast<ptrdiff_t>(count));
  }

  FakeClock clock_;
  obs::Metrics metrics_;
  Backlog backlog_{clock_, metrics_, {.overloaded = 10, .burst = 100}};
  std::vector<std::unique_ptr<Backlog::Place>> places_;
};

TEST_F(BacklogTest, TakesABurstUpToItsLimit) {
  EXPECT_EQ(Enter(150), 100);
  EXPECT_THAT(metrics_.Render(), testing::HasSubstr("penstock_gateway_unanswered_submissions 100"));
  Answer(30);
  EXPECT_EQ(Enter(50), 30);
}

TEST_F(BacklogTest, IsOverloadedWhenItWasFullForTooLongAndNobodyIsAnsweredSoon) {
  Enter(60);
  for (int i = 0; i < 30; ++i) {
    clock_.Advance(absl::Milliseconds(10));
    Answer(1);
    EXPECT_EQ(Enter(1), 1) << i;
  }
  // Of those that came first: after 310 ms to 560 ms.
  for (int i = 0; i < 25; ++i) {
    clock_.Advance(absl::Milliseconds(10));
    Answer(1);
  }

  EXPECT_EQ(Enter(1), 0);
  Answer(25);
  EXPECT_EQ(Enter(1), 0);
  Answer(3);
  EXPECT_EQ(Enter(10), 3);
}

TEST_F(BacklogTest, ManyCallersWhoAreAnsweredSoonAreNoOverload) {
  Enter(20);
  for (int i = 0; i < 1000; ++i) {
    clock_.Advance(absl::Milliseconds(2));
    Answer(1);
    ASSERT_EQ(Enter(1), 1) << i;
  }
}

TEST_F(BacklogTest, AnswersThatCostTheMeshNothingDoNotHideAnOverload) {
  Enter(20);
  for (int i = 0; i < 30; ++i) {
    clock_.Advance(absl::Milliseconds(10));
    if (auto place = backlog_.Enter(/*urgent=*/false)) place->Withdraw();
  }

  EXPECT_EQ(Enter(1), 0);
}

TEST_F(BacklogTest, RecoversOnceThereWasRoomForASecond) {
  Enter(30);
  clock_.Advance(absl::Milliseconds(300));
  ASSERT_EQ(Enter(1), 0);
  Answer(25);
  clock_.Advance(absl::Milliseconds(900));
  EXPECT_EQ(Enter(20), 5);
  Answer(5);

  clock_.Advance(absl::Milliseconds(900));
  EXPECT_EQ(Enter(20), 5);
  Answer(5);
  clock_.Advance(absl::Milliseconds(1100));
  EXPECT_EQ(Enter(20), 20);
}

TEST_F(BacklogTest, ABurstThatIsWorkedOffInTimeIsNoOverload) {
  Enter(30);
  clock_.Advance(absl::Milliseconds(200));
  Answer(25);
  clock_.Advance(absl::Milliseconds(200));

  EXPECT_EQ(Enter(30), 30);
}

TEST_F(BacklogTest, TheUrgentFindRoomInAnOverloadedGateway) {
  Enter(30);
  clock_.Advance(absl::Milliseconds(300));

  EXPECT_EQ(Enter(1), 0);
  EXPECT_EQ(Enter(100, /*urgent=*/true), 70);
}

TEST_F(BacklogTest, SaysWhatToDo) {
  const absl::Status refused = Backlog::Overloaded();

  EXPECT_TRUE(absl::IsResourceExhausted(refused));
  EXPECT_EQ(ReasonOf(refused), "OVERLOADED");
  EXPECT_EQ(RetryAfterOf(refused), absl::Seconds(1));
}

}  // namespace
}  // namespace penstock::gateway
