// Tool results in the journal.
#include <gmock/gmock.h>

#include "libs/identity/testing.h"
#include "services/dispatcher/queue/journal_conformance.h"

#include "absl/strings/str_cat.h"

namespace penstock::dispatcher {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;
using testing::SizeIs;

const absl::Time kNow = absl::FromUnixSeconds(1'700'000'000);

identity::UserKey User() { return identity::UserKeyForTest("acme", "u1"); }

v1::Submitted Submitted(const std::string& turn) {
  v1::Submitted submitted;
  submitted.set_tenant("acme");
  submitted.set_user("u1");
  submitted.set_session_id("s1");
  submitted.set_turn_id(turn);
  submitted.set_submit_number(1);
  return submitted;
}

v1::ToolResults ResultsOf(int32_t step, const std::string& request_id = "") {
  v1::ToolResults results;
  results.set_step(step);
  auto* result = results.add_results();
  result->set_tool_call_id(absl::StrCat("c", step));
  result->set_content("found");
  results.set_request_id(request_id);
  results.set_request_digest(absl::StrCat("digest of ", step));
  return results;
}

}  // namespace

TEST_P(JournalConformance, RecoversToolResultsInOrderOfTheirSteps) {
  Restart();
  for (const char* turn : {"t", "t-"}) {
    ASSERT_TRUE(Await(journal_->AppendSubmitted(User(), Submitted(turn), {})).ok());
  }
  for (const int32_t step : {258, 0, 1}) {
    ASSERT_TRUE(Await(journal_->AppendToolResults(User(), {"s1", "t"}, ResultsOf(step))).ok());
  }
  v1::Started started;
  started.set_starts(2);
  ASSERT_TRUE(Await(journal_->AppendStarted(User(), "t", started)).ok());

  const RecoveredShard shard = Restart()[0];

  ASSERT_THAT(shard.turns, SizeIs(2));
  std::vector<int32_t> steps;
  for (const auto& results : shard.turns[0].tool_results) steps.push_back(results.step());
  EXPECT_THAT(steps, ElementsAre(0, 1, 258));
  EXPECT_EQ(shard.turns[0].tool_results[1].DebugString(), ResultsOf(1).DebugString());
  EXPECT_EQ(shard.turns[0].started->starts(), 2);
  EXPECT_THAT(shard.turns[1].tool_results, IsEmpty());
}

TEST_P(JournalConformance, ASettledTurnLeavesNoToolResultsAndLateOnesBringItNotBack) {
  Restart();
  ASSERT_TRUE(Await(journal_->AppendSubmitted(User(), Submitted("t1"), {})).ok());
  for (const int32_t step : {0, 1}) {
    ASSERT_TRUE(Await(journal_->AppendToolResults(User(), {"s1", "t1"}, ResultsOf(step))).ok());
  }
  ASSERT_TRUE(Await(journal_->Settle(User(), Submitted("t1"), {ResultsOf(0), ResultsOf(1)}, {}, {},
                                     kNow, nullptr))
                  .ok());
  ASSERT_TRUE(Await(journal_->AppendToolResults(User(), {"s1", "t1"}, ResultsOf(2))).ok());
  EXPECT_THAT(Restart()[0].turns, IsEmpty());

  ASSERT_TRUE(Await(journal_->AppendSubmitted(User(), Submitted("t1"), {})).ok());

  EXPECT_THAT(Restart()[0].turns.at(0).tool_results, IsEmpty());
}

TEST_P(JournalConformance, TheRequestIdOfToolResultsLastsUntilItsTurnHasEndedLongAgo) {
  Restart();
  ASSERT_TRUE(Await(journal_->AppendSubmitted(User(), Submitted("t1"), {})).ok());
  ASSERT_TRUE(Await(journal_->AppendToolResults(User(), {"s1", "t1"}, ResultsOf(0, "r9"))).ok());
  Restart();
  const auto row = Await(journal_->LookupRequestId(User(), "r9", absl::InfiniteFuture()));
  ASSERT_TRUE(row.ok() && row->has_value());
  EXPECT_EQ((*row)->turn_id(), "t1");
  EXPECT_EQ((*row)->session_id(), "s1");
  EXPECT_EQ((*row)->request_digest(), "digest of 0");

  ASSERT_TRUE(
      Await(journal_->Settle(User(), Submitted("t1"), {ResultsOf(0, "r9")}, {}, {}, kNow, nullptr))
          .ok());

  const auto before = Await(journal_->LookupRequestId(User(), "r9", kNow - absl::Seconds(1)));
  EXPECT_EQ((*before)->request_digest(), "digest of 0");
  EXPECT_FALSE(Await(journal_->LookupRequestId(User(), "r9", kNow))->has_value());
  EXPECT_EQ(*Await(journal_->SweepRequestIds(kNow, 10)), 1);
}

}  // namespace penstock::dispatcher
