// Steps of a turn that waits for tools.
#include "libs/base/refusal.h"
#include "services/session_state/session_store_conformance.h"

#include "absl/strings/str_cat.h"

namespace penstock::session_state {
namespace {

using chat::v1::Step;
using chat::v1::Turn;
using session::v1::Fence;
using testing::IsEmpty;
using testing::SizeIs;

Step StepOf(int32_t number) {
  Step step;
  step.set_step(number);
  step.mutable_message()->set_role(chat::v1::ASSISTANT);
  auto* call = step.mutable_message()->add_parts()->mutable_tool_call();
  call->set_id(absl::StrCat("c", number));
  call->set_name("look_up");
  call->set_arguments("{}");
  step.mutable_usage()->set_output_tokens(number + 1);
  step.set_index(number + 100);
  return step;
}

AppendStepArgs StepArgs(const std::string& turn, Step step, Fence fence) {
  return {.ids = {"s1", turn}, .fence = std::move(fence), .step = std::move(step), .now = {}};
}

}  // namespace

TEST_P(SessionStoreConformance, StepsAreAnsweredByTheNextBeginAlsoAfterARestart) {
  ASSERT_TRUE(Begin("s1", "t1", 1, FenceOf(1, 1)).ok());
  for (const int32_t number : {0, 1}) {
    const auto kept =
        Await(store().AppendStep(user_, StepArgs("t1", StepOf(number), FenceOf(1, 1))));
    ASSERT_TRUE(kept.ok()) << kept.status();
    EXPECT_FALSE(kept->has_ended());
  }
  Reopen();

  const auto begun = Begin("s1", "t1", 1, FenceOf(2, 1));

  ASSERT_THAT(begun->context().steps(), SizeIs(2));
  EXPECT_EQ(begun->context().steps(0).DebugString(), StepOf(0).DebugString());
  EXPECT_EQ(begun->context().steps(1).DebugString(), StepOf(1).DebugString());
}

TEST_P(SessionStoreConformance, AStepIsKeptOnceAndOnlyInItsPlace) {
  ASSERT_TRUE(Begin("s1", "t1", 1, FenceOf(1, 1)).ok());
  const auto append = [&](const Step& step) {
    return Await(store().AppendStep(user_, StepArgs("t1", step, FenceOf(1, 1)))).status();
  };
  Step other = StepOf(0);
  other.mutable_message()->mutable_parts(0)->mutable_tool_call()->set_arguments("{\"a\":1}");

  EXPECT_EQ(ReasonOf(append(StepOf(1))), "FIELD_INVALID");
  EXPECT_TRUE(append(StepOf(0)).ok());
  EXPECT_TRUE(append(StepOf(0)).ok());
  EXPECT_EQ(ReasonOf(append(other)), "FIELD_INVALID");
  EXPECT_EQ(ReasonOf(append(StepOf(2))), "FIELD_INVALID");
  EXPECT_THAT(Begin("s1", "t1", 1, FenceOf(1, 1))->context().steps(), SizeIs(1));
}

TEST_P(SessionStoreConformance, AStepWithAnOlderFenceOrOfATurnThatNeverBeganIsRefused) {
  ASSERT_TRUE(Begin("s1", "t1", 1, FenceOf(3, 7)).ok());
  const auto append = [&](const std::string& turn, Fence fence) {
    return ReasonOf(Await(store().AppendStep(user_, StepArgs(turn, StepOf(0), fence))).status());
  };

  EXPECT_EQ(append("t1", FenceOf(3, 6)), "FENCED");
  EXPECT_EQ(append("t1", FenceOf(2, 9)), "FENCED");
  EXPECT_EQ(append("t2", FenceOf(3, 6)), "FENCED");
  EXPECT_EQ(append("t2", FenceOf(3, 7)), "NOT_BEGUN");
  EXPECT_EQ(append("t1", FenceOf(4, 1)), "");
  EXPECT_EQ(append("t1", FenceOf(3, 8)), "FENCED");
}

TEST_P(SessionStoreConformance, AnEndedTurnAnswersItsOutcomeToAStepAndKeepsNone) {
  ASSERT_TRUE(Begin("s1", "t1", 1, FenceOf(1, 1)).ok());
  ASSERT_TRUE(Await(store().AppendStep(user_, StepArgs("t1", StepOf(0), FenceOf(1, 1)))).ok());
  ASSERT_TRUE(Commit("s1", "t1", Turn::CANCELLED, FenceOf(1, 1)).ok());
  Reopen();

  const auto late = Await(store().AppendStep(user_, StepArgs("t1", StepOf(1), FenceOf(1, 1))));

  ASSERT_TRUE(late.ok()) << late.status();
  EXPECT_EQ(late->ended().state(), Turn::CANCELLED);
  EXPECT_THAT(Begin("s1", "t1", 1, FenceOf(1, 2))->context().steps(), IsEmpty());
}

TEST_P(SessionStoreConformance, StepsGoWithTheirSession) {
  ASSERT_TRUE(Begin("s1", "t1", 1, FenceOf(1, 1)).ok());
  ASSERT_TRUE(Await(store().AppendStep(user_, StepArgs("t1", StepOf(0), FenceOf(1, 1)))).ok());
  ASSERT_TRUE(Await(store().DeleteSession(user_, {.session = "s1", .etag = ""})).ok());

  const auto again = Begin("s1", "t1", 1, FenceOf(1, 2));

  EXPECT_THAT(again->context().steps(), IsEmpty());
  EXPECT_TRUE(Await(store().AppendStep(user_, StepArgs("t1", StepOf(0), FenceOf(1, 2)))).ok());
}

}  // namespace penstock::session_state
