#include "services/provider_adapter/answer.h"

#include <string>
#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "absl/strings/str_cat.h"

namespace penstock::provider_adapter {
namespace {

using chat::v1::Delta;
using testing::ElementsAre;
using testing::HasSubstr;

class AnswerTest : public testing::Test {
 protected:
  // Deltas as "part/KIND:text".
  std::vector<std::string> Deltas() {
    std::vector<std::string> lines;
    for (const DeltaPiece& piece : answer_.TakeDue(absl::InfiniteDuration())) {
      lines.push_back(absl::StrCat(piece.part, "/",
                                   Delta::Kind_Name(static_cast<Delta::Kind>(piece.kind)), ":",
                                   piece.text));
    }
    return lines;
  }
  provider::v1::GenerateEvent End() { return answer_.TakeEnd(rates_, "req_1"); }

  static Failure CutOff() {
    return FailureOfOutcome("openai", {.kind = http::HttpOutcome::Kind::kOk});
  }
  static chat::v1::Usage Usage(int64_t input, int64_t output) {
    chat::v1::Usage usage;
    usage.set_input_tokens(input);
    usage.set_output_tokens(output);
    return usage;
  }

  pricing::Rates rates_{.input = 1'000'000'000, .output = 2'000'000'000};
  Answer answer_{"openai", {}, 1000};
};

TEST_F(AnswerTest, TellsDeltasAndTheWholeMessage) {
  answer_.OnText(Delta::REASONING, "Hm");
  answer_.OnText(Delta::REASONING, ".");
  answer_.OnText(Delta::TEXT, "Hello");
  answer_.OnFinish(chat::v1::STOP);
  answer_.OnUsage(Usage(10, 20));
  answer_.OnEnd();

  EXPECT_THAT(Deltas(), ElementsAre("0/REASONING:Hm.", "1/TEXT:Hello"));
  EXPECT_TRUE(answer_.complete());
  const auto event = End();
  EXPECT_EQ(event.finished().message().role(), chat::v1::ASSISTANT);
  EXPECT_EQ(event.finished().message().parts(0).reasoning().text(), "Hm.");
  EXPECT_EQ(event.finished().message().parts(1).text().text(), "Hello");
  EXPECT_EQ(event.finished().finish_reason(), chat::v1::STOP);
  EXPECT_EQ(event.finished().usage().output_tokens(), 20);
  EXPECT_EQ(event.finished().cost_nano_usd(), 10'000 + 40'000);
}

TEST_F(AnswerTest, WithoutUsageHasNoCost) {
  answer_.OnText(Delta::TEXT, "Hello");
  answer_.OnFinish(chat::v1::STOP);
  answer_.OnEnd();

  const auto event = End();
  EXPECT_FALSE(event.finished().usage().has_input_tokens());
  EXPECT_FALSE(event.finished().has_cost_nano_usd());
}

TEST_F(AnswerTest, ThatFinishedNeedsNoEndMarker) {
  answer_.OnText(Delta::TEXT, "Hello");
  answer_.OnFinish(chat::v1::LENGTH);
  answer_.Close(CutOff());

  EXPECT_EQ(End().finished().finish_reason(), chat::v1::LENGTH);
}

TEST_F(AnswerTest, ThatIsCutOffIsNeverASuccess) {
  answer_.OnText(Delta::TEXT, "Hello");
  answer_.OnUsage(Usage(10, 1));
  answer_.Close(CutOff());

  const auto event = End();
  EXPECT_EQ(event.failed().kind(), chat::v1::STREAM_TRUNCATED);
  EXPECT_EQ(event.failed().provider_request_id(), "req_1");
  EXPECT_EQ(event.failed().usage().input_tokens(), 10);
  EXPECT_EQ(event.failed().cost_nano_usd(), 12'000);
  EXPECT_FALSE(answer_.complete());
}

TEST_F(AnswerTest, WithAnEndMarkerOnlyIsAStopIfThereIsText) {
  Answer empty("openai", {}, 1000);
  empty.OnEnd();
  answer_.OnText(Delta::TEXT, "Hello");
  answer_.OnEnd();

  EXPECT_EQ(End().finished().finish_reason(), chat::v1::STOP);
  EXPECT_EQ(empty.failure_kind(), chat::v1::MALFORMED_RESPONSE);
}

TEST_F(AnswerTest, KeepsItsFirstEnd) {
  answer_.OnText(Delta::TEXT, "Half");
  answer_.OnError({.message = "m", .type = "server_error", .code = ""});
  answer_.OnText(Delta::TEXT, " more");
  answer_.OnFinish(chat::v1::STOP);
  answer_.OnEnd();

  EXPECT_THAT(Deltas(), ElementsAre("0/TEXT:Half"));
  EXPECT_EQ(End().failed().kind(), chat::v1::PROVIDER_INTERNAL);
}

TEST_F(AnswerTest, IsCutAtItsBoundBetweenCharacters) {
  Answer answer("openai", {}, 10);
  answer.OnText(Delta::TEXT, "12345678");
  EXPECT_FALSE(answer.ended());
  answer.OnText(Delta::TEXT, "水水");

  EXPECT_TRUE(answer.ended());
  EXPECT_FALSE(answer.complete());
  const auto event = answer.TakeEnd(rates_, "");
  EXPECT_EQ(event.finished().message().parts(0).text().text(), "12345678");
  EXPECT_EQ(event.finished().finish_reason(), chat::v1::LENGTH);
}

TEST_F(AnswerTest, MayFillItsBoundExactly) {
  Answer answer("openai", {}, 4);
  answer.OnText(Delta::TEXT, "1234");
  answer.OnFinish(chat::v1::STOP);
  answer.OnEnd();

  EXPECT_EQ(answer.TakeEnd(rates_, "").finished().finish_reason(), chat::v1::STOP);
}

chat::v1::Opaque Opaque(const std::string& data) {
  chat::v1::Opaque opaque;
  opaque.set_protocol("p");
  opaque.set_data(data);
  return opaque;
}

TEST_F(AnswerTest, KeepsTheStateOfReasoningWithIt) {
  answer_.OnText(Delta::REASONING, "One.");
  answer_.OnReasoningState(Opaque("1"));
  answer_.OnText(Delta::REASONING, "Two.");
  answer_.OnReasoningState(Opaque("2"));
  answer_.OnReasoningState(Opaque("3"));
  answer_.OnOpaque(Opaque("4"));
  answer_.OnText(Delta::TEXT, "Hello");
  answer_.OnFinish(chat::v1::STOP);
  answer_.OnEnd();

  EXPECT_THAT(Deltas(), ElementsAre("0/REASONING:One.", "1/REASONING:Two.", "4/TEXT:Hello"));
  const auto message = End().finished().message();
  ASSERT_EQ(message.parts_size(), 5);
  EXPECT_EQ(message.parts(0).reasoning().state().data(), "1");
  EXPECT_EQ(message.parts(1).reasoning().text(), "Two.");
  EXPECT_EQ(message.parts(1).reasoning().state().data(), "2");
  EXPECT_EQ(message.parts(2).reasoning().text(), "");
  EXPECT_EQ(message.parts(2).reasoning().state().data(), "3");
  EXPECT_EQ(message.parts(3).opaque().data(), "4");
}

TEST_F(AnswerTest, CountsWhatItCannotReadInItsBound) {
  Answer exact("p", {}, 5);
  exact.OnOpaque(Opaque("1234"));
  exact.OnEnd();
  EXPECT_EQ(exact.TakeEnd(rates_, "").finished().finish_reason(), chat::v1::STOP);

  Answer opaque("p", {}, 4);
  opaque.OnOpaque(Opaque("1234"));
  const auto event = opaque.TakeEnd(rates_, "");
  EXPECT_EQ(event.finished().finish_reason(), chat::v1::LENGTH);
  EXPECT_EQ(event.finished().message().parts_size(), 0);

  Answer state("p", {}, 6);
  state.OnText(Delta::REASONING, "Hm");
  state.OnReasoningState(Opaque("1234"));
  EXPECT_EQ(state.TakeEnd(rates_, "").finished().message().parts(0).reasoning().text(), "Hm");
}

TEST_F(AnswerTest, CountsWhatIsHeldBackInItsBound) {
  Answer answer("p", {}, 10);
  answer.OnHeld(6);
  answer.OnOpaque(Opaque("1234"));
  answer.OnHeld(5);
  EXPECT_FALSE(answer.ended());
  answer.OnHeld(1);

  EXPECT_EQ(answer.TakeEnd(rates_, "").finished().finish_reason(), chat::v1::LENGTH);
}

TEST_F(AnswerTest, JoinsCharactersThatWereCut) {
  answer_.OnText(Delta::TEXT, "a\xE6\xB0");
  EXPECT_THAT(Deltas(), ElementsAre("0/TEXT:a"));
  answer_.OnText(Delta::TEXT, "\xB4");
  answer_.OnText(Delta::TEXT, "\xE6\xB0");
  answer_.OnText(Delta::REFUSAL, "b");
  answer_.OnEnd();

  EXPECT_THAT(Deltas(), ElementsAre("0/TEXT:水\uFFFD", "1/REFUSAL:b"));
}

}  // namespace
}  // namespace penstock::provider_adapter
