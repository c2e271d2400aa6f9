#include "services/dispatcher/turn/bounded_answer.h"

#include <gtest/gtest.h>

namespace penstock::dispatcher {
namespace {

Prompt PromptOf(int64_t max_output_tokens) {
  Prompt prompt;
  prompt.input_tokens = 50;
  prompt.max_output_tokens = max_output_tokens;
  return prompt;
}

provider::v1::GenerateFinished Finished(const std::string& text, chat::v1::FinishReason reason,
                                        int64_t output_tokens) {
  provider::v1::GenerateFinished finished;
  finished.mutable_message()->set_role(chat::v1::ASSISTANT);
  finished.mutable_message()->add_parts()->mutable_text()->set_text(text);
  finished.set_finish_reason(reason);
  finished.mutable_usage()->set_output_tokens(output_tokens);
  return finished;
}

chat::v1::Message TextMessage(const std::string& text) {
  return Finished(text, chat::v1::STOP, 1).message();
}

TEST(BoundedAnswer, WithoutABoundTheCallersCounts) {
  const Prompt prompt = PromptOf(100);
  for (const auto bound : {std::optional<int64_t>(), std::optional<int64_t>(100)}) {
    BoundedAnswer answer(prompt, bound);
    auto finished = Finished("x", chat::v1::LENGTH, 100);

    EXPECT_EQ(answer.size().output_tokens, 100);
    EXPECT_FALSE(answer.TakeCut(finished));
    EXPECT_EQ(answer.Whole(finished.message()).parts(0).text().text(), "x");
  }
}

TEST(BoundedAnswer, AnAnswerCutByOurBoundIsContinuedUpToTheCallers) {
  const Prompt prompt = PromptOf(100);
  BoundedAnswer answer(prompt, 20);
  EXPECT_EQ(answer.size().output_tokens, 20);
  auto cut = Finished("Once upon ", chat::v1::LENGTH, 20);

  ASSERT_TRUE(answer.TakeCut(cut));

  EXPECT_EQ(answer.size().output_tokens, 80);
  EXPECT_GT(answer.size().input_tokens, 50);
  provider::v1::GenerateRequest request;
  answer.Shape(request);
  EXPECT_EQ(request.generation().max_output_tokens(), 80);
  ASSERT_EQ(request.messages_size(), 1);
  EXPECT_EQ(request.messages(0).role(), chat::v1::ASSISTANT);
  EXPECT_EQ(request.messages(0).parts(0).text().text(), "Once upon ");
  EXPECT_EQ(answer.FirstPart(chat::v1::Delta::TEXT), 0);
  const chat::v1::Message whole = answer.Whole(TextMessage("a time."));
  ASSERT_EQ(whole.parts_size(), 1);
  EXPECT_EQ(whole.parts(0).text().text(), "Once upon a time.");
}

TEST(BoundedAnswer, TheCallersOwnBoundAndOtherEndsAreNotContinued) {
  const Prompt prompt = PromptOf(100);
  BoundedAnswer answer(prompt, 20);
  auto stopped = Finished("x", chat::v1::STOP, 20);
  auto shorter = Finished("x", chat::v1::LENGTH, 10);
  EXPECT_FALSE(answer.TakeCut(stopped));
  EXPECT_FALSE(answer.TakeCut(shorter)) << "the provider's bound, or turn.max_output_bytes";
  auto cut = Finished("x", chat::v1::LENGTH, 20);
  ASSERT_TRUE(answer.TakeCut(cut));

  auto rest = Finished("y", chat::v1::LENGTH, 80);

  EXPECT_FALSE(answer.TakeCut(rest));
}

TEST(BoundedAnswer, CutWhileItWasThinkingItThinksAnew) {
  const Prompt prompt = PromptOf(100);
  BoundedAnswer answer(prompt, 20);
  auto cut = Finished("", chat::v1::LENGTH, 20);
  cut.mutable_message()->mutable_parts(0)->mutable_reasoning();

  ASSERT_TRUE(answer.TakeCut(cut));

  provider::v1::GenerateRequest request;
  answer.Shape(request);
  EXPECT_EQ(request.messages_size(), 0);
  EXPECT_EQ(answer.FirstPart(chat::v1::Delta::TEXT), 1);
  EXPECT_EQ(answer.Whole(TextMessage("done")).parts(1).text().text(), "done");
}

TEST(BoundedAnswer, ThoughtsOfTheSecondCallAreAPartOfTheirOwn) {
  const Prompt prompt = PromptOf(100);
  BoundedAnswer answer(prompt, 20);
  auto cut = Finished("Once ", chat::v1::LENGTH, 20);
  ASSERT_TRUE(answer.TakeCut(cut));
  chat::v1::Message rest;
  rest.add_parts()->mutable_reasoning();
  rest.add_parts()->mutable_text()->set_text("more");

  const chat::v1::Message whole = answer.Whole(rest);

  EXPECT_EQ(answer.FirstPart(chat::v1::Delta::REASONING), 1);
  ASSERT_EQ(whole.parts_size(), 3);
  EXPECT_EQ(whole.parts(2).text().text(), "more");
}

}  // namespace
}  // namespace penstock::dispatcher
