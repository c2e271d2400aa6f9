// The models are judged, too: a wrong one would judge others wrongly.

#include <memory>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "libs/identity/testing.h"
#include "services/dispatcher/queue/journal_conformance.h"
#include "tests/simulation/journal_model.h"

namespace penstock::dispatcher {
namespace {

class ModelBackend : public JournalBackend {
 public:
  Journal& Reopen() override {
    journal_ = std::make_unique<simulation::JournalModel>(disk_, /*life=*/nullptr);
    return *journal_;
  }

 private:
  simulation::Disk disk_;
  std::unique_ptr<simulation::JournalModel> journal_;
};

INSTANTIATE_TEST_SUITE_P(Model, JournalConformance,
                         testing::Values([]() -> std::unique_ptr<JournalBackend> {
                           return std::make_unique<ModelBackend>();
                         }));

}  // namespace
}  // namespace penstock::dispatcher

namespace penstock::simulation {
namespace {

class JournalModelTest : public testing::Test {
 protected:
  // Whether the operation has answered after so long.
  bool Answers(Awaitable<absl::Status> operation, absl::Duration within = absl::Seconds(1)) {
    // It may answer later.
    const auto answered = std::make_shared<bool>(false);
    Spawn(life_->executor(),
          [](Awaitable<absl::Status> inner, std::shared_ptr<bool> out) -> Awaitable<void> {
            const absl::Status status = co_await std::move(inner);
            *out = status.ok();
          }(std::move(operation), answered));
    world_.RunUntil(world_.Monotonic() + within);
    return *answered;
  }
  Awaitable<absl::Status> Submit(const std::string& turn) {
    dispatcher::v1::Submitted submitted;
    submitted.set_tenant("acme");
    submitted.set_user("u1");
    submitted.set_turn_id(turn);
    return journal_->AppendSubmitted(user_, std::move(submitted), {});
  }
  void LosePower() {
    life_->Kill();
    life_->Unwind();
    disk_.LosePower(world_.chance());
    dead_.push_back(std::move(life_));
    dead_journals_.push_back(std::move(journal_));
    life_ = std::make_unique<Life>(world_);
    journal_ = std::make_unique<JournalModel>(disk_, life_.get());
  }

  World world_{7};
  Disk disk_;
  const identity::UserKey user_ = identity::UserKeyForTest("acme", "u1");
  std::vector<std::unique_ptr<Life>> dead_;
  std::vector<std::unique_ptr<JournalModel>> dead_journals_;
  std::unique_ptr<Life> life_ = std::make_unique<Life>(world_);
  std::unique_ptr<JournalModel> journal_ = std::make_unique<JournalModel>(disk_, life_.get());
};

TEST_F(JournalModelTest, WhatIsAcknowledgedSyncedSurvivesEveryLossOfPower) {
  for (int i = 0; i < 50; ++i) {
    ASSERT_TRUE(Answers(Submit(std::to_string(i))));
    LosePower();

    EXPECT_EQ(CountRows(disk_).unfinished_turns, i + 1);
  }
}

TEST_F(JournalModelTest, WhatIsNotSyncedIsSometimesLost) {
  int lost = 0;
  for (int i = 0; i < 50; ++i) {
    const std::string turn = std::to_string(i);
    ASSERT_TRUE(Answers(Submit(turn)));
    dispatcher::v1::Submitted submitted;
    submitted.set_turn_id(turn);
    ASSERT_TRUE(
        Answers(journal_->Settle(user_, submitted, {}, {}, {}, absl::UnixEpoch(), nullptr)));
    LosePower();
    lost += CountRows(disk_).unfinished_turns > 0;
    ASSERT_TRUE(
        Answers(journal_->Settle(user_, submitted, {}, {}, {}, absl::UnixEpoch(), nullptr)));
  }

  EXPECT_GT(lost, 5);
  EXPECT_LT(lost, 45);
}

TEST_F(JournalModelTest, WhoHasLostTheDiskIsNeverAnswered) {
  journal_->Freeze();

  EXPECT_FALSE(Answers(Submit("t1"), absl::Hours(1)));
  EXPECT_EQ(CountRows(disk_).unfinished_turns, 0);
  life_->Kill();
  life_->Unwind();
}

TEST(LifeTest, WhatADeadProcessWaitsForIsCancelled) {
  World world(1);
  Life life(world);
  absl::Status told;
  Spawn(life.executor(), [](Life& of, absl::Status& out) -> Awaitable<void> {
    out = co_await of.Pause(absl::Hours(1));
  }(life, told));
  bool fired = false;
  const auto timer = life.timers().After(absl::Seconds(1), [&] { fired = true; });

  life.Kill();
  life.Unwind();
  world.RunUntil(absl::Hours(2));

  EXPECT_TRUE(absl::IsCancelled(told));
  EXPECT_FALSE(fired);
}

}  // namespace
}  // namespace penstock::simulation
