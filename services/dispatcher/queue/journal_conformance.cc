#include "services/dispatcher/queue/journal_conformance.h"

#include <algorithm>
#include <set>

#include <gmock/gmock.h>

#include "libs/base/mutex.h"
#include "libs/identity/testing.h"
#include "services/dispatcher/queue/shard_range.h"

#include "absl/strings/str_cat.h"

namespace penstock::dispatcher {

std::vector<RecoveredShard> JournalConformance::Restart(int shards) {
  journal_ = &backend_->Reopen();
  auto recovered = Await(journal_->Open(shards));
  EXPECT_TRUE(recovered.ok()) << recovered.status();
  return recovered.ok() ? *std::move(recovered) : std::vector<RecoveredShard>(1);
}

std::vector<std::string> JournalConformance::UnfinishedTurns(const RecoveredShard& shard) const {
  std::vector<std::string> turns;
  for (const UnfinishedTurn& turn : shard.turns) turns.push_back(turn.submitted.turn_id());
  return turns;
}

namespace {

using identity::UserKeyForTest;
using testing::ElementsAre;
using testing::IsEmpty;
using testing::SizeIs;
using testing::UnorderedElementsAre;

const absl::Time kNow = absl::FromUnixSeconds(1'700'000'000);

identity::UserKey User(absl::string_view user) { return UserKeyForTest("acme", user); }

v1::Submitted Submitted(const std::string& user, const std::string& turn, int64_t number,
                        const std::string& request_id = "") {
  v1::Submitted submitted;
  submitted.set_tenant("acme");
  submitted.set_user(user);
  submitted.set_session_id("s1");
  submitted.set_turn_id(turn);
  submitted.set_submit_number(number);
  submitted.set_request_id(request_id);
  submitted.set_request_digest("digest of " + turn);
  submitted.mutable_spec()->add_input()->mutable_text()->set_text("hello from " + turn);
  return submitted;
}

v1::UsageRow Usage(const std::string& turn) {
  v1::UsageRow usage;
  usage.set_turn_id(turn);
  usage.mutable_usage()->set_output_tokens(7);
  usage.set_cost_nano_usd(42);
  return usage;
}

v1::Job IngestJob(const std::string& user, const std::string& turn, int64_t seconds = 1) {
  v1::Job job;
  job.set_kind(v1::Job::INGEST);
  job.set_tenant("acme");
  job.set_user(user);
  job.set_session_id("s1");
  job.set_turn_id(turn);
  job.mutable_create_time()->set_seconds(seconds);
  return job;
}

TEST_P(JournalConformance, RaisesTheEpochAtEveryOpen) {
  const int64_t first = Restart(4)[3].epoch;
  const int64_t second = Restart(4)[0].epoch;
  const int64_t more_shards = Restart(9)[8].epoch;
  const int64_t fewer_shards = Restart(1)[0].epoch;

  EXPECT_GE(first, 1);
  EXPECT_GT(second, first);
  EXPECT_GT(more_shards, second);
  EXPECT_GT(fewer_shards, more_shards);
}

TEST_P(JournalConformance, RefusesANumberOfShardsOutOfRange) {
  Journal& journal = backend_->Reopen();

  EXPECT_EQ(Await(journal.Open(0)).status().code(), absl::StatusCode::kInvalidArgument);
  EXPECT_EQ(Await(journal.Open(65'537)).status().code(), absl::StatusCode::kInvalidArgument);
}

TEST_P(JournalConformance, RecoversAnUnfinishedTurnWithAllItsRecords) {
  Restart();
  ASSERT_TRUE(Await(journal_->AppendSubmitted(User("u1"), Submitted("u1", "t1", 5), {})).ok());
  v1::Started started;
  started.set_starts(2);
  ASSERT_TRUE(Await(journal_->AppendStarted(User("u1"), "t1", started)).ok());
  v1::CancelRequested cancel;
  cancel.set_discard_output(true);
  ASSERT_TRUE(Await(journal_->AppendCancelRequested(User("u1"), "t1", cancel)).ok());
  v1::Generated generated;
  generated.set_model("p/m");
  ASSERT_TRUE(Await(journal_->AppendGenerated(User("u1"), "t1", generated)).ok());

  const std::vector<RecoveredShard> shards = Restart();

  ASSERT_THAT(shards, SizeIs(1));
  ASSERT_THAT(shards[0].turns, SizeIs(1));
  const UnfinishedTurn& turn = shards[0].turns[0];
  EXPECT_EQ(turn.user, User("u1"));
  EXPECT_EQ(turn.submitted.SerializeAsString(), Submitted("u1", "t1", 5).SerializeAsString());
  EXPECT_EQ(turn.started->starts(), 2);
  EXPECT_TRUE(turn.cancel_requested->discard_output());
  EXPECT_EQ(turn.generated->model(), "p/m");
  EXPECT_EQ(shards[0].next_submit_number, 6);
}

TEST_P(JournalConformance, AnInterruptionIsRecoveredWithTheTurnThatInterrupts) {
  Restart();
  Await(journal_->AppendSubmitted(User("u1"), Submitted("u1", "t1", 1), {})).IgnoreError();
  Await(journal_->AppendSubmitted(User("u1"), Submitted("u1", "t2", 2), {.interrupted_turn = "t1"}))
      .IgnoreError();

  const std::vector<UnfinishedTurn> turns = Restart()[0].turns;

  ASSERT_THAT(turns, SizeIs(2));
  EXPECT_TRUE(turns[0].cancel_requested.has_value());
  EXPECT_FALSE(turns[1].cancel_requested.has_value());
}

TEST_P(JournalConformance, RecoversATurnOfWhichOnlyItsAcceptanceIsKnown) {
  Restart();
  Await(journal_->AppendSubmitted(User("u1"), Submitted("u1", "t1", 1), {})).IgnoreError();

  const UnfinishedTurn turn = Restart()[0].turns.at(0);

  EXPECT_FALSE(turn.started.has_value());
  EXPECT_FALSE(turn.cancel_requested.has_value());
  EXPECT_FALSE(turn.generated.has_value());
}

TEST_P(JournalConformance, TheLatestRecordOfAKindCounts) {
  Restart();
  Await(journal_->AppendSubmitted(User("u1"), Submitted("u1", "t1", 1), {})).IgnoreError();
  for (int starts = 1; starts <= 3; ++starts) {
    v1::Started started;
    started.set_starts(starts);
    Await(journal_->AppendStarted(User("u1"), "t1", started)).IgnoreError();
  }

  EXPECT_EQ(Restart()[0].turns.at(0).started->starts(), 3);
}

TEST_P(JournalConformance, KeepsApartTurnsWhoseIdsBeginAlike) {
  Restart();
  v1::Started started;
  started.set_starts(1);
  for (const char* turn : {"t", "t-", "t-1", "t~"}) {
    Await(journal_->AppendSubmitted(User("u1"), Submitted("u1", turn, 1), {})).IgnoreError();
  }
  Await(journal_->AppendStarted(User("u1"), "t-", started)).IgnoreError();
  Await(journal_->Settle(User("u1"), Submitted("u1", "t", 1), {}, Usage("t"), {}, kNow, nullptr))
      .IgnoreError();

  const RecoveredShard shard = Restart()[0];

  EXPECT_THAT(UnfinishedTurns(shard), ElementsAre("t-", "t-1", "t~"));
  EXPECT_TRUE(shard.turns[0].started.has_value());
  EXPECT_FALSE(shard.turns[1].started.has_value());
}

TEST_P(JournalConformance, RecoversTurnsInOrderOfSubmissionInTheirUsersShard) {
  Restart();
  constexpr int kUsers = 40;
  for (int number = 2 * kUsers; number > 0; --number) {
    const std::string user = absl::StrCat("u", number % kUsers);
    Await(journal_->AppendSubmitted(User(user), Submitted(user, absl::StrCat("t", number), number),
                                    {}))
        .IgnoreError();
  }
  for (const int count : {1, 3, 64}) {
    const std::vector<RecoveredShard> shards = Restart(count);

    size_t turns = 0;
    ASSERT_THAT(shards, SizeIs(static_cast<size_t>(count)));
    for (int i = 0; i < count; ++i) {
      const RecoveredShard& shard = shards[static_cast<size_t>(i)];
      EXPECT_EQ(shard.next_submit_number, 2 * kUsers + 1);
      int64_t last = 0;
      for (const UnfinishedTurn& turn : shard.turns) {
        EXPECT_EQ(ShardOfBucket(turn.user.bucket(), count), i);
        EXPECT_GT(turn.submitted.submit_number(), last);
        last = turn.submitted.submit_number();
        ++turns;
      }
    }
    EXPECT_EQ(turns, size_t{2 * kUsers});
  }
}

TEST_P(JournalConformance, ASettledTurnLeavesUsageAndJobsOnly) {
  Restart();
  const v1::Submitted submitted = Submitted("u1", "t1", 1);
  Await(journal_->AppendSubmitted(User("u1"), submitted, {})).IgnoreError();
  Await(journal_->AppendCancelRequested(User("u1"), "t1", {})).IgnoreError();
  ASSERT_TRUE(Await(journal_->Settle(User("u1"), submitted, {}, Usage("t1"),
                                     {IngestJob("u1", "t1")}, kNow, nullptr))
                  .ok());

  const RecoveredShard shard = Restart()[0];

  EXPECT_THAT(shard.turns, IsEmpty());
  ASSERT_THAT(shard.jobs, SizeIs(1));
  EXPECT_EQ(shard.jobs[0].user, User("u1"));
  EXPECT_EQ(shard.jobs[0].job.turn_id(), "t1");
  const auto usage = Await(journal_->LoadUsage(User("u1"), "t1"));
  EXPECT_EQ((*usage)->cost_nano_usd(), 42);
  EXPECT_FALSE(Await(journal_->LoadUsage(User("u2"), "t1"))->has_value());
}

TEST_P(JournalConformance, SettlingAndAppendingTwiceIsLikeOnce) {
  Restart();
  const v1::Submitted submitted = Submitted("u1", "t1", 1, "r1");
  for (int i = 0; i < 2; ++i) {
    ASSERT_TRUE(Await(journal_->AppendSubmitted(User("u1"), submitted, {})).ok());
  }
  EXPECT_THAT(UnfinishedTurns(Restart()[0]), ElementsAre("t1"));
  for (int i = 0; i < 2; ++i) {
    ASSERT_TRUE(Await(journal_->Settle(User("u1"), submitted, {}, Usage("t1"),
                                       {IngestJob("u1", "t1")}, kNow, nullptr))
                    .ok());
  }

  const RecoveredShard shard = Restart()[0];

  EXPECT_THAT(shard.turns, IsEmpty());
  EXPECT_THAT(shard.jobs, SizeIs(1));
}

TEST_P(JournalConformance, ARecordWrittenAfterTheSettleBringsNoTurnBack) {
  Restart();
  const v1::Submitted submitted = Submitted("u1", "t1", 1);
  Await(journal_->AppendSubmitted(User("u1"), submitted, {})).IgnoreError();
  Await(journal_->Settle(User("u1"), submitted, {}, Usage("t1"), {}, kNow, nullptr)).IgnoreError();
  Await(journal_->AppendCancelRequested(User("u1"), "t1", {})).IgnoreError();

  EXPECT_THAT(Restart()[0].turns, IsEmpty());
  Await(journal_->AppendSubmitted(User("u1"), submitted, {})).IgnoreError();
  EXPECT_FALSE(Restart()[0].turns.at(0).cancel_requested.has_value());
}

TEST_P(JournalConformance, AFinishedJobIsGoneAndTheOthersComeOldestFirst) {
  Restart();
  for (const auto& [turn, time] : {std::pair("t1", 30), {"t2", 10}, {"t3", 20}}) {
    Await(journal_->Settle(User("u1"), Submitted("u1", turn, 1), {}, Usage(turn),
                           {IngestJob("u1", turn, time)}, kNow, nullptr))
        .IgnoreError();
  }
  ASSERT_TRUE(Await(journal_->FinishJob(User("u1"), "t3", v1::Job::INGEST)).ok());
  ASSERT_TRUE(Await(journal_->FinishJob(User("u1"), "t3", v1::Job::INGEST)).ok());

  const RecoveredShard shard = Restart()[0];

  ASSERT_THAT(shard.jobs, SizeIs(2));
  EXPECT_EQ(shard.jobs[0].job.turn_id(), "t2");
  EXPECT_EQ(shard.jobs[1].job.turn_id(), "t1");
}

TEST_P(JournalConformance, ARequestIdNamesItsTurnOfOneUser) {
  Restart();
  Await(journal_->AppendSubmitted(User("u1"), Submitted("u1", "t1", 1, "r1"), {})).IgnoreError();
  Restart();

  const auto row = Await(journal_->LookupRequestId(User("u1"), "r1", kNow));

  ASSERT_TRUE(row.ok() && row->has_value());
  EXPECT_EQ((*row)->turn_id(), "t1");
  EXPECT_EQ((*row)->session_id(), "s1");
  EXPECT_EQ((*row)->request_digest(), "digest of t1");
  EXPECT_FALSE((*row)->has_expire_time());
  EXPECT_FALSE(Await(journal_->LookupRequestId(User("u1"), "r", kNow))->has_value());
  EXPECT_FALSE(Await(journal_->LookupRequestId(User("u1"), "r11", kNow))->has_value());
  EXPECT_FALSE(Await(journal_->LookupRequestId(User("u11"), "r1", kNow))->has_value());
}

TEST_P(JournalConformance, ARequestIdExpiresOnlyAfterItsTurnWasSettled) {
  Restart();
  const v1::Submitted submitted = Submitted("u1", "t1", 1, "r1");
  Await(journal_->AppendSubmitted(User("u1"), submitted, {})).IgnoreError();
  const absl::Time later = kNow + absl::Hours(24);
  EXPECT_TRUE(
      Await(journal_->LookupRequestId(User("u1"), "r1", absl::InfiniteFuture()))->has_value());
  Await(journal_->Settle(User("u1"), submitted, {}, Usage("t1"), {}, later, nullptr)).IgnoreError();

  EXPECT_TRUE(
      Await(journal_->LookupRequestId(User("u1"), "r1", later - absl::Seconds(1)))->has_value());
  EXPECT_FALSE(Await(journal_->LookupRequestId(User("u1"), "r1", later))->has_value());
}

TEST_P(JournalConformance, SweepsWhatHasExpiredAndNothingElse) {
  Restart();
  for (int i = 0; i < 10; ++i) {
    const v1::Submitted submitted =
        Submitted("u1", absl::StrCat("t", i), i + 1, absl::StrCat("r", i));
    Await(journal_->AppendSubmitted(User("u1"), submitted, {})).IgnoreError();
    if (i == 9) continue;  // lives
    Await(
        journal_->Settle(User("u1"), submitted, {}, Usage("t"), {}, kNow + absl::Hours(i), nullptr))
        .IgnoreError();
  }

  EXPECT_EQ(*Await(journal_->SweepRequestIds(kNow + absl::Hours(4), 2)), 2);
  EXPECT_EQ(*Await(journal_->SweepRequestIds(kNow + absl::Hours(4), 100)), 3);
  EXPECT_EQ(*Await(journal_->SweepRequestIds(kNow + absl::Hours(4), 100)), 0);
  for (int i = 0; i < 10; ++i) {
    const auto row =
        Await(journal_->LookupRequestId(User("u1"), absl::StrCat("r", i), absl::InfinitePast()));
    EXPECT_EQ(row->has_value(), i > 4) << i;
  }
  Restart();
  EXPECT_EQ(*Await(journal_->SweepRequestIds(kNow + absl::Hours(100), 100)), 4);
}

TEST_P(JournalConformance, SweepsNoRequestIdThatIsUsedAgain) {
  Restart();
  const v1::Submitted first = Submitted("u1", "t1", 1, "r1");
  Await(journal_->AppendSubmitted(User("u1"), first, {})).IgnoreError();
  Await(journal_->Settle(User("u1"), first, {}, Usage("t1"), {}, kNow, nullptr)).IgnoreError();
  Await(journal_->AppendSubmitted(User("u1"), Submitted("u1", "t2", 2, "r1"), {})).IgnoreError();

  EXPECT_EQ(*Await(journal_->SweepRequestIds(kNow + absl::Hours(1), 100)), 0);

  const auto row = Await(journal_->LookupRequestId(User("u1"), "r1", kNow + absl::Hours(1)));
  ASSERT_TRUE(row->has_value());
  EXPECT_EQ((*row)->turn_id(), "t2");
}

TEST_P(JournalConformance, SweepingBesideNewSubmissionsLosesNone) {
  Restart();
  constexpr int kIds = 50;
  for (int i = 0; i < kIds; ++i) {
    const v1::Submitted old = Submitted("u1", absl::StrCat("old", i), 1, absl::StrCat("r", i));
    Await(journal_->Settle(User("u1"), old, {}, Usage("t"), {}, kNow, nullptr)).IgnoreError();
  }

  auto sweep = threads_.Start(journal_->SweepRequestIds(kNow, kIds));
  std::vector<std::future<absl::Status>> submits;
  for (int i = 0; i < kIds; ++i) {
    submits.push_back(threads_.Start(journal_->AppendSubmitted(
        User("u1"), Submitted("u1", absl::StrCat("new", i), 2, absl::StrCat("r", i)), {})));
  }
  EXPECT_TRUE(sweep.get().ok());
  for (auto& submit : submits) EXPECT_TRUE(submit.get().ok());

  for (int i = 0; i < kIds; ++i) {
    const auto row = Await(journal_->LookupRequestId(User("u1"), absl::StrCat("r", i), kNow));
    ASSERT_TRUE(row->has_value()) << i;
    EXPECT_EQ((*row)->turn_id(), absl::StrCat("new", i));
  }
}

TEST_P(JournalConformance, CountersAreThoseOfTheLastSubmissionThatBroughtSome) {
  Restart();
  EXPECT_EQ(Await(journal_->LoadCounters(User("u1")))->first_turns_size(), 0);
  v1::UserCounters counters;
  counters.add_first_turns()->set_seconds(17);
  Await(journal_->AppendSubmitted(User("u1"), Submitted("u1", "t1", 1),
                                  {.counters = [&] { return CounterValues{.user = counters}; }}))
      .IgnoreError();
  Await(journal_->AppendSubmitted(User("u1"), Submitted("u1", "t2", 2), {})).IgnoreError();
  Restart();

  EXPECT_EQ(Await(journal_->LoadCounters(User("u1")))->first_turns(0).seconds(), 17);
  EXPECT_EQ(Await(journal_->LoadCounters(User("u2")))->first_turns_size(), 0);
}

TEST_P(JournalConformance, ASettleWritesTheCountersOfItsUserAndTenant) {
  Restart();
  EXPECT_EQ(Await(journal_->LoadTenantCounters("acme"))->spent().day(), 0);
  v1::UserCounters user;
  user.mutable_spent()->mutable_amount()->set_tokens(7);
  v1::TenantCounters tenant;
  tenant.set_tenant("acme");
  tenant.mutable_spent()->mutable_amount()->set_tokens(17);
  Await(journal_->Settle(User("u1"), Submitted("u1", "t1", 1), {}, Usage("t1"), {}, kNow, [&] {
    return CounterValues{.user = user, .tenant = tenant};
  })).IgnoreError();
  Restart();

  EXPECT_EQ(Await(journal_->LoadCounters(User("u1")))->spent().amount().tokens(), 7);
  EXPECT_EQ(Await(journal_->LoadTenantCounters("acme"))->spent().amount().tokens(), 17);
  EXPECT_EQ(Await(journal_->LoadTenantCounters("acm"))->spent().amount().tokens(), 0);
}

TEST_P(JournalConformance, CountersAreAskedForInTheOrderInWhichTheyAreWritten) {
  Restart();
  constexpr int kTurns = 200;
  Mutex mutex;
  int64_t counted = 0;
  std::vector<std::future<absl::Status>> appends;
  for (int i = 0; i < kTurns; ++i) {
    const auto count = [&] {
      MutexLock lock(mutex);
      v1::UserCounters counters;
      counters.add_first_turns()->set_seconds(++counted);
      return CounterValues{.user = counters};
    };
    appends.push_back(threads_.Start(journal_->AppendSubmitted(
        User("u1"), Submitted("u1", absl::StrCat("t", i), i, absl::StrCat("r", i)),
        {.counters = count})));
  }
  for (auto& append : appends) EXPECT_TRUE(append.get().ok());
  Restart();

  EXPECT_EQ(Await(journal_->LoadCounters(User("u1")))->first_turns(0).seconds(), kTurns);
}

TEST_P(JournalConformance, ManyAtOnceAreAllThere) {
  Restart();
  constexpr int kTurns = 500;
  std::vector<std::future<absl::Status>> appends;
  std::set<std::string> expected;
  for (int i = 0; i < kTurns; ++i) {
    const std::string turn = absl::StrCat("t", i);
    expected.insert(turn);
    appends.push_back(threads_.Start(
        journal_->AppendSubmitted(User("u1"), Submitted("u1", turn, i, absl::StrCat("r", i)), {})));
  }
  for (auto& append : appends) EXPECT_TRUE(append.get().ok());

  const std::vector<std::string> turns = UnfinishedTurns(Restart()[0]);

  EXPECT_EQ(std::set<std::string>(turns.begin(), turns.end()), expected);
  EXPECT_THAT(turns, SizeIs(kTurns));
}

}  // namespace
}  // namespace penstock::dispatcher
