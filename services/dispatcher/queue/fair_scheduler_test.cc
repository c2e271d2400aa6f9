#include "services/dispatcher/queue/fair_scheduler.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "absl/strings/str_cat.h"

namespace penstock::dispatcher {
namespace {

using chat::v1::CLASS_ACTION;
using chat::v1::CLASS_BATCH;
using chat::v1::CLASS_FIRST;
using chat::v1::CLASS_FREE;
using chat::v1::CLASS_PAID;
using chat::v1::TurnClass;
using testing::ElementsAre;
using testing::IsEmpty;
using testing::SizeIs;
using testing::UnorderedElementsAre;

constexpr absl::Duration kNow = absl::Seconds(1000);

class FairSchedulerTest : public testing::Test {
 protected:
  void Make(FairSchedulerOptions options) {
    scheduler_ = std::make_unique<FairScheduler>(std::move(options));
  }

  WaitingEntry Entry(const std::string& tenant, uint64_t user, TurnClass turn_class = CLASS_FREE) {
    ++last_;
    return {.id = last_,
            .turn_class = turn_class,
            .tenant = tenant,
            .user = user,
            .seq = static_cast<int64_t>(last_)};
  }
  EntryId Ready(const std::string& tenant, uint64_t user, TurnClass turn_class = CLASS_FREE,
                int64_t input_tokens = 100) {
    const WaitingEntry entry = Entry(tenant, user, turn_class);
    scheduler_->Enqueue(entry, kNow);
    scheduler_->MarkReady(entry.id, input_tokens, 0);
    return entry.id;
  }
  EntryId Start(absl::Duration now = kNow) {
    const auto id = scheduler_->Pick(now);
    if (!id) return 0;
    scheduler_->Start(*id, now);
    return *id;
  }
  std::vector<EntryId> StartAll() {
    std::vector<EntryId> started;
    while (const EntryId id = Start()) started.push_back(id);
    return started;
  }
  static chat::v1::Usage Input(int64_t tokens) {
    chat::v1::Usage usage;
    usage.set_input_tokens(tokens);
    usage.set_output_tokens(0);
    return usage;
  }

  EntryId last_ = 0;
  std::unique_ptr<FairScheduler> scheduler_ =
      std::make_unique<FairScheduler>(FairSchedulerOptions{});
};

TEST_F(FairSchedulerTest, ServesClassesInOrderOfRank) {
  for (const TurnClass turn_class :
       {CLASS_BATCH, CLASS_FREE, CLASS_PAID, CLASS_FIRST, CLASS_ACTION}) {
    Ready("t", 1, turn_class);
  }

  EXPECT_THAT(StartAll(), ElementsAre(5, 4, 3, 2, 1));
}

TEST_F(FairSchedulerTest, ServesAUserInOrderOfAcceptanceNotOfArrival) {
  for (const int64_t seq : {30, 10, 20}) {
    WaitingEntry entry = Entry("t", 1);
    entry.seq = seq;
    scheduler_->Enqueue(entry, kNow);
    scheduler_->MarkReady(entry.id, 1, 0);
  }

  EXPECT_THAT(StartAll(), ElementsAre(2, 3, 1));
}

TEST_F(FairSchedulerTest, UsersOfATenantTakeTurns) {
  for (int i = 0; i < 3; ++i) Ready("t", 1);
  for (int i = 0; i < 3; ++i) Ready("t", 2);

  EXPECT_THAT(StartAll(), ElementsAre(1, 4, 2, 5, 3, 6));
}

TEST_F(FairSchedulerTest, TenantsTakeTurnsHoweverManyUsersTheyHave) {
  for (uint64_t user = 1; user <= 4; ++user) Ready("many", user);
  for (int i = 0; i < 2; ++i) Ready("one", 9);

  EXPECT_THAT(StartAll(), ElementsAre(1, 5, 2, 6, 3, 4));
}

TEST_F(FairSchedulerTest, ATenantOfTwiceTheWeightIsServedTwiceAsMuch) {
  Make({.cost = {}, .shares = {.weights = {{"big", 2}}, .classes = {}}});
  for (int i = 0; i < 400; ++i) Ready("big", 1);
  for (int i = 0; i < 400; ++i) Ready("small", 1);

  int big = 0;
  for (int i = 0; i < 300; ++i) big += Start() <= 400;

  EXPECT_NEAR(big, 200, 1);
}

TEST_F(FairSchedulerTest, NewWeightsCountForWhatIsServedFromThenOn) {
  for (int i = 0; i < 400; ++i) Ready("a", 1);
  for (int i = 0; i < 400; ++i) Ready("b", 1);
  for (int i = 0; i < 100; ++i) Start();
  scheduler_->SetShares({.weights = {{"a", 3}}, .classes = {}});

  int of_a = 0;
  for (int i = 0; i < 200; ++i) of_a += Start() <= 400;

  EXPECT_NEAR(of_a, 150, 1);
  EXPECT_LT(scheduler_->PositionOfNext(Entry("a", 1)), scheduler_->PositionOfNext(Entry("b", 1)));
}

TEST_F(FairSchedulerTest, ANewFloorHoldsFromThenOn) {
  for (int i = 0; i < 1000; ++i) Ready("t", 1, CLASS_PAID);
  for (int i = 0; i < 1000; ++i) Ready("t", 2, CLASS_FREE);
  EXPECT_LE(Start(), 1000);
  Shares shares;
  shares.classes[CLASS_FREE].floor = 0.2;
  scheduler_->SetShares(shares);

  int free = 0;
  for (int i = 0; i < 500; ++i) free += Start(kNow + absl::Seconds(i) / 10) > 1000;

  EXPECT_NEAR(free, 100, 3);
}

TEST_F(FairSchedulerTest, SharesAreOfTokensNotOfTurns) {
  for (int i = 0; i < 600; ++i) Ready("long", 1, CLASS_FREE, 600);
  for (int i = 0; i < 600; ++i) Ready("short", 1, CLASS_FREE, 100);

  int of_long = 0;
  for (int i = 0; i < 350; ++i) of_long += Start() <= 600;

  EXPECT_NEAR(of_long, 50, 1);
}

TEST_F(FairSchedulerTest, ASettlementCorrectsWhatWasCharged) {
  for (int i = 0; i < 100; ++i) Ready("liar", 1, CLASS_FREE, 1);
  for (int i = 0; i < 100; ++i) Ready("honest", 1, CLASS_FREE, 100);
  int liars = 0;
  for (int i = 0; i < 100; ++i) {
    const EntryId id = Start();
    liars += id <= 100;
    scheduler_->Settle(id, Input(100), kNow);
  }

  EXPECT_NEAR(liars, 50, 1);
}

TEST_F(FairSchedulerTest, WhatWasGivenBackCostsNothingAndKeepsItsPlace) {
  const EntryId first = Ready("t", 1);
  Ready("t", 1);
  const EntryId other = Ready("t", 2);
  scheduler_->Start(first, kNow);

  scheduler_->Requeue(first, kNow);
  scheduler_->MarkReady(first, 100, 0);

  EXPECT_EQ(Start(), first);
  EXPECT_EQ(Start(), other);
}

TEST_F(FairSchedulerTest, NobodySavesServiceUp) {
  for (int i = 0; i < 100; ++i) Ready("busy", 1);
  Ready("idle", 1);
  for (int i = 0; i < 50; ++i) Start();

  for (int i = 0; i < 100; ++i) Ready("idle", 1);
  int idle = 0;
  for (int i = 0; i < 20; ++i) idle += Start() > 100;

  EXPECT_NEAR(idle, 10, 1);
}

TEST_F(FairSchedulerTest, AFlowThatIsIdleIsForgottenOnceOthersHadAsMuch) {
  for (uint64_t user = 0; user < 1000; ++user) {
    Ready("t", user);
    scheduler_->Settle(Start(), Input(100), kNow);
  }

  EXPECT_EQ(scheduler_->flows(), 0);
}

TEST_F(FairSchedulerTest, AnEntryThatIsNotReadyIsPassedAndServedFirstOnceItIs) {
  scheduler_->Enqueue(Entry("t", 1), kNow);
  const EntryId second = Ready("t", 2);
  Ready("t", 3);

  EXPECT_EQ(Start(), second);
  scheduler_->MarkReady(1, 100, 0);
  EXPECT_EQ(Start(), 1);
}

TEST_F(FairSchedulerTest, ARaisedEntryIsServedInItsNewClassAndLoweredAgainInItsOld) {
  const EntryId low = Ready("t", 1, CLASS_BATCH);
  const EntryId paid = Ready("t", 2, CLASS_PAID);

  scheduler_->SetClass(low, CLASS_ACTION);
  EXPECT_EQ(scheduler_->Pick(kNow), low);
  scheduler_->SetClass(low, CLASS_BATCH);
  EXPECT_EQ(scheduler_->Pick(kNow), paid);
}

TEST_F(FairSchedulerTest, AFloorHoldsUnderAFloodOfAHigherClass) {
  FairSchedulerOptions options;
  options.shares.classes[CLASS_FREE].floor = 0.2;
  Make(options);
  for (int i = 0; i < 2000; ++i) Ready("t", 1, CLASS_PAID);
  for (int i = 0; i < 2000; ++i) Ready("t", 2, CLASS_FREE);

  int free = 0;
  for (int i = 0; i < 1000; ++i) free += Start(kNow + absl::Seconds(i) / 10) > 2000;

  EXPECT_NEAR(free, 200, 3);
}

TEST_F(FairSchedulerTest, ACapHoldsAndSaysWhenItEnds) {
  FairSchedulerOptions options;
  options.shares.classes[CLASS_PAID].cap = 0.5;
  Make(options);
  for (int i = 0; i < 2000; ++i) Ready("t", 1, CLASS_PAID);
  // Of a call nothing is known yet, so nothing is capped.
  scheduler_->SetCallRate(10);
  EXPECT_EQ(scheduler_->TimeToPick(kNow), absl::ZeroDuration());
  scheduler_->Settle(Start(), {}, kNow);
  // Calls of 100.
  scheduler_->SetCallRate(10);

  EXPECT_THAT(StartAll(), SizeIs(6));
  const absl::Duration wait = scheduler_->TimeToPick(kNow);
  EXPECT_GT(wait, absl::ZeroDuration());
  EXPECT_EQ(Start(kNow + wait - absl::Milliseconds(1)), 0);
  EXPECT_NE(Start(kNow + wait), 0);

  const EntryId free = Ready("t", 1, CLASS_FREE);
  EXPECT_EQ(Start(kNow + wait), free);
}

TEST_F(FairSchedulerTest, TheWindowNamesWhatWillBeServedNext) {
  for (int i = 0; i < 100; ++i) scheduler_->Enqueue(Entry("a", 1), kNow);
  for (int i = 0; i < 100; ++i) scheduler_->Enqueue(Entry("b", 1), kNow);

  EXPECT_THAT(scheduler_->Window(4), UnorderedElementsAre(1, 101, 2, 102));
  EXPECT_THAT(scheduler_->Window(4), IsEmpty());
}

TEST_F(FairSchedulerTest, TheWindowNamesAtOnceWhatComesBeforeThoseItHasNamed) {
  for (int i = 0; i < 100; ++i) scheduler_->Enqueue(Entry("a", 1), kNow);
  scheduler_->Window(4);

  scheduler_->Enqueue(Entry("a", 1), kNow);
  EXPECT_THAT(scheduler_->Window(4), IsEmpty());
  const WaitingEntry newcomer = Entry("b", 1);
  scheduler_->Enqueue(newcomer, kNow);
  EXPECT_THAT(scheduler_->Window(4), ElementsAre(newcomer.id));
  const WaitingEntry action = Entry("a", 1, CLASS_ACTION);
  scheduler_->Enqueue(action, kNow);
  EXPECT_THAT(scheduler_->Window(4), ElementsAre(action.id));
}

TEST_F(FairSchedulerTest, TheWindowDoesNotGrowUnderAFloodOfThoseWhoBelongIntoIt) {
  for (int i = 0; i < 100; ++i) scheduler_->Enqueue(Entry("a", 1), kNow);
  size_t named = scheduler_->Window(4).size();

  for (int i = 0; i < 1000; ++i) {
    scheduler_->Enqueue(Entry(absl::StrCat("t", i), 1), kNow);
    named += scheduler_->Window(4).size();
  }

  EXPECT_THAT(named, testing::Le(12));
}

TEST_F(FairSchedulerTest, WhatIsNamedOfALowerClassDoesNotKeepAHigherOneFromBeingNamed) {
  for (int i = 0; i < 4; ++i) scheduler_->Enqueue(Entry("t", 1, CLASS_FREE), kNow);
  EXPECT_THAT(scheduler_->Window(4), SizeIs(4));
  for (int i = 0; i < 8; ++i) Ready("t", 1, CLASS_PAID);
  EXPECT_THAT(scheduler_->Window(4), SizeIs(4));

  for (int i = 0; i < 4; ++i) Start();

  EXPECT_THAT(scheduler_->Window(4), SizeIs(4));
}

TEST_F(FairSchedulerTest, TheWindowHasRoomForFloorsAndNotForWhatIsOverItsCap) {
  FairSchedulerOptions options;
  options.shares.classes[CLASS_PAID].cap = 0.5;
  options.shares.classes[CLASS_BATCH].floor = 0.25;
  Make(options);
  for (int i = 0; i < 100; ++i) scheduler_->Enqueue(Entry("t", 1, CLASS_PAID), kNow);
  for (int i = 0; i < 100; ++i) scheduler_->Enqueue(Entry("t", 1, CLASS_FREE), kNow);
  for (int i = 0; i < 100; ++i) scheduler_->Enqueue(Entry("t", 1, CLASS_BATCH), kNow);

  EXPECT_THAT(scheduler_->Window(4), ElementsAre(1, 2, 101, 102, 201));
}

TEST_F(FairSchedulerTest, APositionCountsHigherClassesOwnTurnsAndTheOthersShare) {
  for (int i = 0; i < 3; ++i) Ready("t", 1, CLASS_PAID);
  for (int i = 0; i < 10; ++i) Ready("t", 1, CLASS_FREE);
  for (int i = 0; i < 10; ++i) Ready("t", 2, CLASS_FREE);

  EXPECT_EQ(scheduler_->PositionOfNext(Entry("t", 3, CLASS_ACTION)), 1);
  EXPECT_EQ(scheduler_->PositionOfNext(Entry("t", 3, CLASS_PAID)), 2);
  // Three of PAID; then one of each other user, or of the other tenant.
  EXPECT_EQ(scheduler_->PositionOfNext(Entry("t", 3, CLASS_FREE)), 6);
  EXPECT_EQ(scheduler_->PositionOfNext(Entry("u", 3, CLASS_FREE)), 5);
  // The first and the second of user 1; the first of user 2.
  EXPECT_EQ(scheduler_->Position(4), 4);
  EXPECT_EQ(scheduler_->Position(5), 6);
  EXPECT_EQ(scheduler_->Position(14), 5);
}

TEST_F(FairSchedulerTest, PositionsAreExactWhileEachUserHasOneTurn) {
  for (uint64_t user = 10; user > 0; --user) Ready("t", user);

  for (EntryId id = 1; id <= 10; ++id) EXPECT_EQ(scheduler_->Position(id), id);
  EXPECT_EQ(scheduler_->PositionOfNext(Entry("t", 99)), 11);
}

TEST_F(FairSchedulerTest, IgnoresWhatItDoesNotKnow) {
  scheduler_->MarkReady(7, 1, 1);
  scheduler_->SetClass(7, CLASS_PAID);
  scheduler_->Start(7, kNow);
  scheduler_->Requeue(7, kNow);
  scheduler_->Settle(7, {}, kNow);
  scheduler_->Withdraw(7);
  const EntryId waiting = Entry("t", 1).id;
  scheduler_->Enqueue({.id = waiting, .tenant = "t", .user = 1, .seq = 1}, kNow);
  scheduler_->Start(waiting, kNow);
  scheduler_->Settle(waiting, {}, kNow);

  EXPECT_EQ(scheduler_->Position(7), 0);
  EXPECT_EQ(scheduler_->waiting(), 1);
  EXPECT_EQ(scheduler_->ready(), 0);
}

TEST(TokenCost, CountsCachedInputLess) {
  const TokenCost cost{.uncached_input = 1, .cached_input = 0.1, .output = 4};
  chat::v1::Usage usage;
  usage.set_input_tokens(1000);
  usage.set_cache_read_input_tokens(900);
  usage.set_output_tokens(50);

  EXPECT_DOUBLE_EQ(cost.Of(usage, 0, 0), 100 + 90 + 200);
  EXPECT_DOUBLE_EQ(cost.Of(chat::v1::Usage(), 10, 5), 30);
}

}  // namespace
}  // namespace penstock::dispatcher
