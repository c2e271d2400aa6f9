#include "services/dispatcher/turn/steps.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "libs/base/proto_time.h"
#include "libs/base/refusal.h"

namespace penstock::dispatcher {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;
using testing::SizeIs;

chat::v1::Message Calls(const std::vector<std::string>& ids) {
  chat::v1::Message message;
  message.set_role(chat::v1::ASSISTANT);
  for (const auto& id : ids) message.add_parts()->mutable_tool_call()->set_id(id);
  return message;
}

v1::ToolResults ResultsOf(int32_t step, const std::vector<std::string>& ids) {
  v1::ToolResults results;
  results.set_step(step);
  for (const auto& id : ids) {
    results.add_results()->set_tool_call_id(id);
    results.mutable_results(results.results_size() - 1)->set_content("of " + id);
  }
  return results;
}

chat::v1::Usage UsageOf(int64_t input, int64_t output) {
  chat::v1::Usage usage;
  usage.set_input_tokens(input);
  usage.set_output_tokens(output);
  return usage;
}

TEST(Steps, ANewTurnHasNoneAndCostsNothing) {
  chat::v1::Turn turn;
  const Steps steps;

  steps.AddTo(turn);

  EXPECT_EQ(steps.current(), 0);
  EXPECT_THAT(steps.OpenCalls(), IsEmpty());
  EXPECT_FALSE(turn.has_usage());
  EXPECT_FALSE(turn.has_cost_nano_usd());
}

TEST(Steps, WhatAttemptsTookBelongsToTheirStep) {
  Steps steps;
  steps.Spend(UsageOf(10, 1), std::nullopt);
  steps.Spend(UsageOf(10, 2), 5);
  const chat::v1::Step first = steps.Current(Calls({"a"}));
  steps.Add(first);
  steps.Spend(UsageOf(30, 4), 7);
  chat::v1::Turn turn;
  v1::UsageRow row;

  steps.AddTo(turn);
  steps.AddTo(row);

  EXPECT_EQ(first.usage().input_tokens(), 20);
  EXPECT_EQ(first.cost_nano_usd(), 5);
  EXPECT_EQ(turn.usage().input_tokens(), 50);
  EXPECT_EQ(turn.usage().output_tokens(), 7);
  EXPECT_FALSE(turn.usage().has_cache_read_input_tokens());
  EXPECT_EQ(turn.cost_nano_usd(), 12);
  ASSERT_THAT(row.steps(), SizeIs(2));
  EXPECT_EQ(row.steps(0).usage().output_tokens(), 3);
  EXPECT_EQ(row.steps(1).step(), 1);
}

TEST(Steps, ResultsStandInTheOrderOfTheCalls) {
  Steps steps;
  steps.Add(steps.Current(Calls({"a", "b"})));
  const v1::ToolResults results = ResultsOf(0, {"b", "a"});
  ASSERT_TRUE(steps.Check(results.results()).ok());

  steps.Answer(results);

  EXPECT_THAT(steps.OpenCalls(), IsEmpty());
  const auto messages = steps.Messages();
  ASSERT_THAT(messages, SizeIs(2));
  EXPECT_EQ(messages[1].parts(0).tool_result().tool_call_id(), "a");
  EXPECT_EQ(messages[1].parts(1).tool_result().content(), "of b");
}

TEST(Steps, OpenCallsAreClosedWithAnErrorAndOthersAreLeftAlone) {
  Steps steps;
  steps.Add(steps.Current(Calls({"a"})));
  steps.Answer(ResultsOf(0, {"a"}));
  steps.Add(steps.Current(Calls({"b"})));

  steps.CloseOpenCalls("too late");

  const auto messages = steps.Messages();
  ASSERT_THAT(messages, SizeIs(4));
  EXPECT_FALSE(messages[1].parts(0).tool_result().is_error());
  EXPECT_TRUE(messages[3].parts(0).tool_result().is_error());
  EXPECT_EQ(messages[3].parts(0).tool_result().content(), "too late");
}

TEST(Steps, AreFoundAgainFromTheirRecords) {
  Steps before;
  before.Add(before.Current(Calls({"a"})));
  before.Add(before.Current(Calls({"b"})));
  google::protobuf::RepeatedPtrField<chat::v1::Step> records;
  for (const auto& step : before.finished()) *records.Add() = step;

  const Steps open = Steps::Of(records, {ResultsOf(0, {"a"})});
  const Steps answered = Steps::Of(records, {ResultsOf(0, {"a"}), ResultsOf(1, {"b"})});
  // A record of calls that are not this step's counts nothing.
  const Steps wrong = Steps::Of(records, {ResultsOf(0, {"a"}), ResultsOf(1, {"x"})});

  EXPECT_EQ(open.OpenCalls().at(0).id(), "b");
  EXPECT_THAT(answered.OpenCalls(), IsEmpty());
  EXPECT_THAT(answered.answers(), SizeIs(2));
  EXPECT_EQ(wrong.OpenCalls().at(0).id(), "b");
}

TEST(Steps, OfATurnThatHasEndedOnlyTheRequestsOfItsResultsAreLeft) {
  v1::ToolResults results = ResultsOf(1, {"a"});
  results.set_request_id("r1");

  const Steps ended = Steps::OfEnded({results});

  EXPECT_EQ(ended.answers().at(0).request_id(), "r1");
  EXPECT_EQ(ended.answers().at(0).step(), 1);
  EXPECT_THAT(ended.answers().at(0).results(), IsEmpty());
  EXPECT_THAT(ended.Messages(), IsEmpty());
}

TEST(Steps, ARefusalNamesAFewIdsOfMany) {
  Steps steps;
  steps.Add(steps.Current(Calls({"a"})));
  std::vector<std::string> ids;
  for (int i = 0; i < 1000; ++i) ids.push_back("id-" + std::to_string(1000 + i));

  const absl::Status status = steps.Check(ResultsOf(0, ids).results());

  EXPECT_EQ(MetadataOf(status, "missing_ids"), "a");
  EXPECT_LT(MetadataOf(status, "unknown_ids").size(), 200u);
  EXPECT_LT(status.message().size(), 1000u);
}

}  // namespace
}  // namespace penstock::dispatcher
