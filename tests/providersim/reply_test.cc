#include "tests/providersim/reply.h"

#include <gtest/gtest.h>

#include "tests/providersim/json_text.h"
#include "tests/providersim/openai/format.h"

#include "absl/strings/str_cat.h"

namespace penstock::providersim {
namespace {

Reply PlanFor(absl::string_view said, absl::string_view more = "") {
  return PlanReply(absl::StrCat(R"({"model":"m","messages":[{"role":"user","content":)",
                                JsonString(said), "}]", more, "}"),
                   Options(), false, openai::Format());
}

std::string ErrorFor(absl::string_view body) {
  const Reply reply = PlanReply(body, Options(), false, openai::Format());
  if (!reply.error) return "none";
  return absl::StrCat(reply.error->status, " ", reply.error->param, " ", reply.error->code);
}

TEST(TokenText, SplitsBeforeSpacesAndKeepsEveryByte) {
  const TokenText text("Grüezi  wohl,\nAda");

  ASSERT_EQ(text.count(), 3);
  EXPECT_EQ(text.Slice(0, 1), "Grüezi");
  EXPECT_EQ(text.Slice(1, 2), "  wohl,");
  EXPECT_EQ(text.Slice(0, 3), "Grüezi  wohl,\nAda");
}

TEST(Reply, CountsThreeTokensAMessageAndOneForEveryFourBytes) {
  EXPECT_EQ(PlanFor("12345678").prompt_tokens, 5);
  EXPECT_EQ(PlanFor("123456789").prompt_tokens, 6);
}

TEST(Reply, TakesItsTokensEventsAndTimesFromDirectives) {
  const Reply reply =
      PlanFor("/sim tokens 50\n/sim events 10\n/sim delay 100\n/sim interval 5\nhi");

  EXPECT_EQ(reply.text.count(), 50);
  EXPECT_EQ(reply.text.Slice(0, 3), "t1 t2 t3");
  EXPECT_EQ(reply.events, 10);
  EXPECT_EQ(reply.first_token, std::chrono::milliseconds(100));
  EXPECT_EQ(reply.interval, std::chrono::milliseconds(5));
}

TEST(Reply, TakesItsDefaultsFromTheCommandLine) {
  const auto options = ParseOptions({"--tokens", "50", "--events=10", "--first-token-ms", "7"});
  ASSERT_TRUE(options.ok());

  const Reply reply = PlanReply(R"({"model":"m","messages":[{"role":"user","content":"hi"}]})",
                                *options, false, openai::Format());

  EXPECT_EQ(reply.text.count(), 50);
  EXPECT_EQ(reply.events, 10);
  EXPECT_EQ(reply.first_token, std::chrono::milliseconds(7));
}

TEST(Reply, TakesATimeThatFollowsItsTokens) {
  const auto options = ParseOptions({"--token-rate", "50"});
  ASSERT_TRUE(options.ok());

  const Reply reply = PlanReply(R"({"model":"m","messages":[{"role":"user","content":"hi"}]})",
                                *options, false, openai::Format());

  EXPECT_EQ(reply.GeneratedAfter(0), std::chrono::microseconds(0));
  EXPECT_EQ(reply.GeneratedAfter(1), std::chrono::microseconds(0));
  EXPECT_EQ(reply.GeneratedAfter(51), std::chrono::seconds(1));
  EXPECT_EQ(PlanFor("hi").GeneratedAfter(51), std::chrono::microseconds(0));
}

TEST(Reply, StopsAtTheRequestsBoundWithReasonLength) {
  const Reply reply = PlanFor("/sim tokens 50", R"(,"max_completion_tokens":3)");

  EXPECT_EQ(reply.text.Slice(0, reply.text.count()), "t1 t2 t3");
  EXPECT_EQ(reply.finish_reason, "length");
}

TEST(Reply, StopsBeforeAStopSequence) {
  const Reply reply = PlanFor("one two three", R"(,"stop":["two"])");

  EXPECT_EQ(reply.text.Slice(0, reply.text.count()), "Noted. one ");
}

TEST(Reply, RefusesAMisspeltDirective) {
  const Reply reply = PlanFor("/sim tokns 3");

  ASSERT_TRUE(reply.error.has_value());
  EXPECT_EQ(reply.error->code, "unknown_sim_directive");
}

TEST(Reply, ObeysDirectivesOfTheNewestUserMessageOnly) {
  const Reply reply = PlanReply(
      R"({"model":"m","messages":[{"role":"user","content":"/sim status 500"},{"role":"user","content":"hi"}]})",
      Options(), false, openai::Format());

  EXPECT_FALSE(reply.error.has_value());
}

TEST(Reply, RefusesWhatOpenAiRefuses) {
  EXPECT_EQ(ErrorFor("{"), "400  ");
  EXPECT_EQ(ErrorFor("[]"), "400  ");
  EXPECT_EQ(ErrorFor(R"({"messages":[{"role":"user","content":"a"}]})"), "400  ");
  EXPECT_EQ(ErrorFor(R"({"model":"m"})"), "400 messages missing_required_parameter");
  EXPECT_EQ(ErrorFor(R"({"model":"m","messages":[]})"), "400 messages empty_array");
  EXPECT_EQ(ErrorFor(R"({"model":"m","messages":[{"role":"boss","content":"a"}]})"),
            "400 messages[0].role invalid_value");
  EXPECT_EQ(ErrorFor(R"({"model":"m","messages":[{"role":"user","content":7}]})"),
            "400 messages[0].content invalid_type");
  EXPECT_EQ(ErrorFor(R"({"model":"m","messages":[{"role":"user","content":"a"}],"modle":1})"),
            "400  ");
  EXPECT_EQ(ErrorFor(R"({"model":"m","messages":[{"role":"user","content":"a"}],"temperature":3})"),
            "400 temperature decimal_above_max_value");
  EXPECT_EQ(ErrorFor(R"({"model":"m","messages":[{"role":"user","content":"a"}],"max_tokens":0})"),
            "400 max_tokens integer_below_min_value");
  EXPECT_EQ(
      ErrorFor(R"({"model":"m","messages":[{"role":"user","content":"a"}],"stream_options":{}})"),
      "400 stream_options ");
}

TEST(Reply, ReadsTextParts) {
  const Reply reply = PlanReply(
      R"({"model":"m","messages":[{"role":"user","content":[{"type":"text","text":"/sim tokens 2"}]}]})",
      Options(), false, openai::Format());

  EXPECT_EQ(reply.text.count(), 2);
}

TEST(Options, ReadLimits) {
  const auto options = ParseOptions({"--requests-per-minute", "1", "--input-tokens-per-minute=2",
                                     "--output-tokens-per-minute=3", "--tokens-per-minute=4",
                                     "--law=minute", "--minute-phase-ms=5", "--charge=generated",
                                     "--default-max-tokens=6", "--other-consumer=0.25"});

  ASSERT_TRUE(options.ok()) << options.status();
  EXPECT_EQ(options->limits.requests, 1);
  EXPECT_EQ(options->limits.input_tokens, 2);
  EXPECT_EQ(options->limits.output_tokens, 3);
  EXPECT_EQ(options->limits.tokens, 4);
  EXPECT_EQ(options->limits.law, LawKind::kMinute);
  EXPECT_EQ(options->limits.minute_phase, std::chrono::milliseconds(5));
  EXPECT_EQ(options->limits.charge, ChargeTime::kGenerated);
  EXPECT_EQ(options->limits.default_max_tokens, 6);
  EXPECT_EQ(options->limits.other_consumer_ppm, 250'000);
}

TEST(Options, NameTheFlagThatIsWrong) {
  EXPECT_EQ(ParseOptions({"--threads", "0"}).status().message(),
            "--threads: found \"0\", expected a number from 1 to 64");
  EXPECT_EQ(ParseOptions({"--tokns", "0"}).status().message(), "unknown flag --tokns; see --help");
  EXPECT_EQ(ParseOptions({"--law=leaky"}).status().message(),
            "--law: found \"leaky\", expected bucket, sliding or minute");
  EXPECT_EQ(ParseOptions({"--charge="}).status().message(),
            "--charge: found \"\", expected admission or generated");
  EXPECT_EQ(ParseOptions({"--other-consumer=1"}).status().message(),
            "--other-consumer: found \"1\", expected a number from 0 to 0.9");
  EXPECT_EQ(ParseOptions({"--minute-phase-ms=60000"}).status().message(),
            "--minute-phase-ms: found \"60000\", expected a number from 0 to 59999");
  EXPECT_EQ(ParseOptions({"--tokens"}).status().message(), "--tokens: value missing");
}

}  // namespace
}  // namespace penstock::providersim
