#include "services/dispatcher/turn/answer.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace penstock::dispatcher {
namespace {

using chat::v1::FinishReason;
using provider::v1::GenerateFinished;

constexpr AnswerRules kRules{.tools_offered = true, .at_limit = false, .max_output_bytes = 100};

GenerateFinished AnswerOf(const std::string& text, const std::vector<std::string>& calls,
                          FinishReason reason) {
  GenerateFinished finished;
  finished.set_finish_reason(reason);
  if (!text.empty()) finished.mutable_message()->add_parts()->mutable_text()->set_text(text);
  for (const auto& id : calls) {
    finished.mutable_message()->add_parts()->mutable_tool_call()->set_id(id);
  }
  return finished;
}

std::vector<std::string> IdsOf(const GenerateFinished& finished) {
  std::vector<std::string> ids;
  for (const auto& part : finished.message().parts()) {
    if (part.has_tool_call()) ids.push_back(part.tool_call().id());
  }
  return ids;
}

TEST(AsksForTools, WhenItHasCallsWhateverItsReasonSays) {
  for (const FinishReason reason : {chat::v1::TOOL_CALLS, chat::v1::STOP}) {
    auto finished = AnswerOf("x", {"a"}, reason);
    EXPECT_TRUE(AsksForTools(finished, {}, kRules));
    EXPECT_EQ(finished.finish_reason(), chat::v1::TOOL_CALLS);
    EXPECT_THAT(IdsOf(finished), testing::ElementsAre("a"));
  }
}

TEST(AsksForTools, NotWithoutCalls) {
  auto finished = AnswerOf("x", {}, chat::v1::TOOL_CALLS);

  EXPECT_FALSE(AsksForTools(finished, {}, kRules));
  EXPECT_EQ(finished.finish_reason(), chat::v1::STOP);
}

TEST(AsksForTools, NotWhenItWasCutShortOrNobodyOfferedAny) {
  for (const FinishReason reason : {chat::v1::LENGTH, chat::v1::CONTENT_FILTER}) {
    auto cut = AnswerOf("x", {"a"}, reason);
    EXPECT_FALSE(AsksForTools(cut, {}, kRules));
    EXPECT_EQ(cut.finish_reason(), reason);
    EXPECT_THAT(IdsOf(cut), testing::IsEmpty());
  }
  AnswerRules none = kRules;
  none.tools_offered = false;
  auto unasked = AnswerOf("x", {"a"}, chat::v1::TOOL_CALLS);
  EXPECT_FALSE(AsksForTools(unasked, {}, none));
  EXPECT_EQ(unasked.finish_reason(), chat::v1::STOP);
}

TEST(AsksForTools, NotAtTheLimitOfCallsOrOfOutput) {
  AnswerRules last = kRules;
  last.at_limit = true;
  auto limited = AnswerOf("x", {"a"}, chat::v1::TOOL_CALLS);
  EXPECT_FALSE(AsksForTools(limited, {}, last));
  EXPECT_EQ(limited.finish_reason(), chat::v1::TOOL_LIMIT);
  EXPECT_EQ(limited.message().parts_size(), 1);

  auto longer = AnswerOf(std::string(100, 'x'), {"a"}, chat::v1::TOOL_CALLS);
  EXPECT_FALSE(AsksForTools(longer, {}, kRules));
  EXPECT_EQ(longer.finish_reason(), chat::v1::LENGTH);
}

TEST(AsksForTools, GivesEachCallAnIdOfItsOwnWithinTheTurn) {
  auto first = AnswerOf("", {"call_0", "", "call_0"}, chat::v1::TOOL_CALLS);
  ASSERT_TRUE(AsksForTools(first, {}, kRules));
  Steps steps;
  steps.Add(steps.Current(first.message()));
  auto second = AnswerOf("", {"call_0", "call_1"}, chat::v1::TOOL_CALLS);

  ASSERT_TRUE(AsksForTools(second, steps, kRules));

  std::vector<std::string> ids = IdsOf(first);
  EXPECT_EQ(ids[0], "call_0");
  for (const auto& id : IdsOf(second)) ids.push_back(id);
  std::sort(ids.begin(), ids.end());
  EXPECT_EQ(std::unique(ids.begin(), ids.end()), ids.end());
  EXPECT_EQ(IdsOf(second)[1], "call_1");
  for (const auto& id : ids) EXPECT_FALSE(id.empty());
}

}  // namespace
}  // namespace penstock::dispatcher
