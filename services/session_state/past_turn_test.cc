#include "services/session_state/past_turn.h"

#include <gtest/gtest.h>

#include "libs/tokens/raw_tokens.h"
#include "penstock/session/v1/session_state.pb.h"

namespace penstock::session_state {
namespace {

using chat::v1::Turn;

constexpr char kTurn16[] = "0123456789abcdef";

Turn TurnOf(const std::string& input, const std::string& output,
            Turn::State state = Turn::SUCCEEDED) {
  Turn turn;
  turn.set_state(state);
  turn.set_sequence(7);
  turn.add_input()->mutable_text()->set_text(input);
  turn.add_output()->add_parts()->mutable_text()->set_text(output);
  turn.set_output_partial(state != Turn::SUCCEEDED);
  return turn;
}

void AddCall(Turn& turn, const std::string& id, const std::string& arguments) {
  auto* message = turn.add_output();
  message->set_role(chat::v1::ASSISTANT);
  auto* call = message->add_parts()->mutable_tool_call();
  call->set_id(id);
  call->set_name("look_up");
  call->set_arguments(arguments);
}

void AddResult(Turn& turn, const std::string& id, const std::string& content) {
  auto* message = turn.add_output();
  message->set_role(chat::v1::TOOL);
  message->add_parts()->mutable_tool_result()->set_tool_call_id(id);
  message->mutable_parts(0)->mutable_tool_result()->set_content(content);
}

// Asks, calls a tool, and ends like this.
Turn TurnWithTool(Turn::State state) {
  Turn turn;
  turn.set_state(state);
  turn.add_input()->mutable_text()->set_text("where?");
  AddCall(turn, "c1", "{}");
  AddResult(turn, "c1", "here");
  return turn;
}

session::v1::Context ContextOf(const PastTurn& turn) {
  session::v1::Context context;
  EXPECT_TRUE(context.ParseFromString(turn.messages));
  return context;
}

TEST(PastTurn, HoldsWhatWasSaidAndAnsweredAsEntriesOfAContext) {
  const PastTurn past = MakePastTurn(TurnOf("1234567890", "b"), kTurn16);

  EXPECT_EQ(past.sequence, 7);
  EXPECT_EQ(absl::string_view(past.turn16.data(), past.turn16.size()), kTurn16);
  EXPECT_EQ(past.tokens, 4);
  const session::v1::Context context = ContextOf(past);
  ASSERT_EQ(context.history_size(), 2);
  EXPECT_EQ(context.history(0).role(), chat::v1::USER);
  EXPECT_EQ(context.history(0).parts(0).text().text(), "1234567890");
  EXPECT_EQ(context.history(1).role(), chat::v1::ASSISTANT);
  EXPECT_EQ(context.history(1).parts(0).text().text(), "b");
}

TEST(PastTurn, ShowsNothingOfPartialAnswersAndTurnsWithoutOne) {
  Turn only_thought;
  only_thought.set_state(Turn::SUCCEEDED);
  only_thought.add_input()->mutable_text()->set_text("q");
  only_thought.add_output()->add_parts()->mutable_reasoning()->set_text("hm");

  EXPECT_EQ(MakePastTurn(TurnOf("q", "cut", Turn::CANCELLED), kTurn16).messages, "");
  EXPECT_EQ(MakePastTurn(TurnOf("q", "", Turn::RUNNING), kTurn16).messages, "");
  EXPECT_EQ(MakePastTurn(only_thought, kTurn16).messages, "");
}

TEST(PastTurn, LeavesReasoningOutAndKeepsRefusals) {
  Turn turn = TurnOf("may I?", "no");
  turn.mutable_output(0)->mutable_parts(0)->mutable_refusal()->set_text("no");
  turn.mutable_output(0)->add_parts()->mutable_reasoning()->set_text("hm");

  const session::v1::Context context = ContextOf(MakePastTurn(turn, kTurn16));

  ASSERT_EQ(context.history(1).parts_size(), 1);
  EXPECT_EQ(context.history(1).parts(0).refusal().text(), "no");
}

TEST(PastTurn, KeepsImagesAndWhatAProviderWantsBackUnchangedAndInPlace) {
  Turn turn = TurnOf("what is it?", "A boat.");
  auto* image = turn.add_input()->mutable_image();
  image->set_media_type("image/png");
  image->set_data("\x89PNG");
  auto* message = turn.mutable_output(0);
  auto* thought = message->add_parts()->mutable_reasoning();
  thought->set_text("hm");
  thought->mutable_state()->set_protocol("anthropic");
  thought->mutable_state()->set_data(R"({"signature":"s"})");
  auto* opaque = message->add_parts()->mutable_opaque();
  opaque->set_protocol("anthropic");
  opaque->set_data(R"({"type":"new"})");

  const PastTurn past = MakePastTurn(turn, kTurn16);

  const session::v1::Context context = ContextOf(past);
  ASSERT_EQ(context.history_size(), 2);
  ASSERT_EQ(context.history(0).parts_size(), 2);
  EXPECT_EQ(context.history(0).parts(1).SerializeAsString(), turn.input(1).SerializeAsString());
  ASSERT_EQ(context.history(1).parts_size(), 3);
  for (int i = 0; i < 3; ++i) {
    EXPECT_EQ(context.history(1).parts(i).SerializeAsString(),
              message->parts(i).SerializeAsString());
  }
  EXPECT_EQ(past.tokens, RawTokens(turn.input()) + RawTokens(message->parts()));
  EXPECT_GT(past.tokens, kImageTokens);
}

TEST(PastTurn, IsNoHistoryWhenOneProviderAloneCanReadItsAnswer) {
  Turn turn = TurnOf("q", "");
  turn.mutable_output(0)->mutable_parts(0)->mutable_opaque()->set_data("{}");
  turn.mutable_output(0)->add_parts()->mutable_reasoning()->mutable_state()->set_data("{}");

  EXPECT_EQ(MakePastTurn(turn, kTurn16).messages, "");
}

TEST(PastTurn, WithToolsIsItsMessagesInOrder) {
  Turn turn = TurnWithTool(Turn::SUCCEEDED);
  turn.add_output()->add_parts()->mutable_text()->set_text("It is here.");

  const session::v1::Context context = ContextOf(MakePastTurn(turn, kTurn16));

  ASSERT_EQ(context.history_size(), 4);
  EXPECT_EQ(context.history(0).role(), chat::v1::USER);
  EXPECT_EQ(context.history(1).parts(0).tool_call().id(), "c1");
  EXPECT_EQ(context.history(2).role(), chat::v1::TOOL);
  EXPECT_EQ(context.history(2).parts(0).tool_result().tool_call_id(), "c1");
  EXPECT_EQ(context.history(3).role(), chat::v1::ASSISTANT);
  EXPECT_EQ(context.history(3).parts(0).text().text(), "It is here.");
  // 6, 9, 4 and 11 bytes.
  EXPECT_EQ(MakePastTurn(turn, kTurn16).tokens, 2 + 3 + 2 + 4);
}

TEST(PastTurn, WholeStepsAreHistoryHoweverTheTurnEnded) {
  for (const auto state : {Turn::FAILED, Turn::CANCELLED, Turn::EXPIRED}) {
    EXPECT_EQ(ContextOf(MakePastTurn(TurnWithTool(state), kTurn16)).history_size(), 3) << state;
  }
  Turn partial = TurnWithTool(Turn::CANCELLED);
  partial.add_output()->add_parts()->mutable_text()->set_text("It is h");
  partial.set_output_partial(true);
  EXPECT_EQ(MakePastTurn(partial, kTurn16).messages, "");
}

TEST(PastTurn, EachCallInHistoryIsFollowedByItsResult) {
  Turn open;
  open.set_state(Turn::SUCCEEDED);
  open.add_input()->mutable_text()->set_text("where?");
  AddCall(open, "c1", "{}");
  Turn another = open;
  AddResult(another, "c2", "here");

  EXPECT_EQ(MakePastTurn(open, kTurn16).messages, "");
  EXPECT_EQ(MakePastTurn(another, kTurn16).messages, "");
}

}  // namespace
}  // namespace penstock::session_state
