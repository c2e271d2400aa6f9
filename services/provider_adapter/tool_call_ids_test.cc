#include "services/provider_adapter/tool_call_ids.h"

#include <algorithm>
#include <string>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "absl/strings/ascii.h"

namespace penstock::provider_adapter {
namespace {

using Form = ToolCallIds::Form;
using testing::ElementsAre;
using testing::MatchesRegex;

TEST(ToolCallIds, AreKeptWhereTheyFit) {
  EXPECT_EQ(ToolCallIds(Form::kForty).Call("call.1|fc_2"), "call.1|fc_2");
  EXPECT_EQ(ToolCallIds(Form::kWord).Call("toolu_01A-9"), "toolu_01A-9");
  EXPECT_EQ(ToolCallIds(Form::kNine).Call("D681PevKs"), "D681PevKs");
}

TEST(ToolCallIds, AreReplacedWhereTheyDoNotFitTheSameWayEachTime) {
  const std::string vllm = "chatcmpl-tool-0123456789abcdef0123456789abcdef";

  EXPECT_THAT(ToolCallIds(Form::kForty).Call(vllm), MatchesRegex("call_[0-9a-f]+"));
  EXPECT_LE(ToolCallIds(Form::kForty).Call(vllm).size(), 40u);
  EXPECT_EQ(ToolCallIds(Form::kWord).Call(vllm), vllm);
  EXPECT_THAT(ToolCallIds(Form::kWord).Call("call.1"), MatchesRegex("[A-Za-z0-9_-]+"));
  EXPECT_EQ(ToolCallIds(Form::kWord).Call("call.1"), ToolCallIds(Form::kWord).Call("call.1"));
  EXPECT_NE(ToolCallIds(Form::kWord).Call("call.1"), ToolCallIds(Form::kWord).Call("call:1"));
  EXPECT_THAT(ToolCallIds(Form::kWord).Call(""), MatchesRegex("[A-Za-z0-9_-]+"));
  const std::string nine = ToolCallIds(Form::kNine).Call("toolu_01A");
  EXPECT_EQ(nine.size(), 9u);
  EXPECT_TRUE(std::all_of(nine.begin(), nine.end(), absl::ascii_isalnum)) << nine;
}

TEST(ToolCallIds, AreEachCallsOwn) {
  ToolCallIds ids(Form::kWord);

  EXPECT_EQ(ids.Call("call_1"), "call_1");
  const std::string second = ids.Call("call_1");
  EXPECT_NE(second, "call_1");
  EXPECT_THAT(second, MatchesRegex("[A-Za-z0-9_-]+"));
  EXPECT_EQ(ids.Result("call_1"), "call_1");
  EXPECT_EQ(ids.Result("call_1"), second);
}

TEST(ToolCallIds, ResultsHaveTheIdOfTheirCall) {
  ToolCallIds ids(Form::kWord);
  const std::string wire = ids.Call("call.1");

  EXPECT_EQ(ids.Result("call.1"), wire);
  EXPECT_EQ(ids.Result("call.1"), std::nullopt);
  EXPECT_EQ(ids.Result("other"), std::nullopt);
}

TEST(ToolCallIds, KnowWhichCallsHaveNoResult) {
  ToolCallIds ids(Form::kWord);
  ids.Call("a");
  ids.Call("b");
  ids.Call("c");
  ids.Result("b");

  EXPECT_THAT(ids.TakeOpen(), ElementsAre("a", "c"));
  EXPECT_THAT(ids.TakeOpen(), ElementsAre());
  EXPECT_EQ(ids.Result("a"), std::nullopt);
}

}  // namespace
}  // namespace penstock::provider_adapter
