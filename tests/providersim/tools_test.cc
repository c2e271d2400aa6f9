// Tools: what is called, what is said of results, and which requests are refused.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/providersim/openai/format.h"
#include "tests/providersim/simulator_fixture.h"

#include "absl/strings/str_split.h"

namespace penstock::providersim {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::SizeIs;

constexpr absl::string_view kTools =
    R"("tools":[{"type":"function","function":{"name":"clock","parameters":{"type":"object"}}},)"
    R"({"type":"function","function":{"name":"weather"}}])";

Reply Plan(absl::string_view messages, absl::string_view more = kTools) {
  return PlanReply(
      absl::StrCat(R"({"model":"m","messages":[)", messages, more.empty() ? "]" : "],", more, "}"),
      Options(), false, openai::Format());
}

std::string User(absl::string_view said) {
  return absl::StrCat(R"({"role":"user","content":)", JsonString(said), "}");
}
std::string Called(absl::string_view id, absl::string_view name = "clock") {
  return absl::StrCat(R"({"role":"assistant","content":null,"tool_calls":[{"id":")", id,
                      R"(","type":"function","function":{"name":")", name,
                      R"(","arguments":"{}"}}]})");
}
std::string Result(absl::string_view id, absl::string_view content) {
  return absl::StrCat(R"({"role":"tool","tool_call_id":")", id, R"(","content":)",
                      JsonString(content), "}");
}

// "clock({})" of each call.
std::vector<std::string> Calls(const Reply& reply) {
  std::vector<std::string> calls;
  for (const CallPiece& piece : reply.calls) {
    if (!piece.id.empty()) calls.push_back(piece.name + ":");
    calls.back() += piece.arguments;
  }
  return calls;
}

std::string TextOf(const Reply& reply) {
  return std::string(reply.text.Slice(0, reply.text.count()));
}

std::string ErrorOf(const Reply& reply) {
  return reply.error ? absl::StrCat(reply.error->param, " ", reply.error->message) : "none";
}

TEST(Tools, AreCalledAsDirectivesSayStepByStep) {
  const std::string user = User(
      "/sim tool clock {\"zone\": \"CET\"}\n/sim tool weather\n/sim then\n/sim tool clock not "
      "json");
  const Reply first = Plan(user);
  const Reply second = Plan(absl::StrCat(user, ",", Called("a"), ",", Result("a", "12:00")));
  const Reply third = Plan(absl::StrCat(user, ",", Called("a"), ",", Result("a", "12:00"), ",",
                                        Called("b"), ",", Result("b", "Error: no zone.")));

  EXPECT_THAT(Calls(first), ElementsAre("clock:{\"zone\": \"CET\"}", "weather:{}"));
  EXPECT_EQ(first.finish_reason, "tool_calls");
  EXPECT_THAT(Calls(second), ElementsAre("clock:not json"));
  EXPECT_NE(first.calls[0].id, first.calls[4].id);
  EXPECT_NE(first.calls[0].id, second.calls[0].id);
  EXPECT_THAT(Calls(third), SizeIs(0));
  EXPECT_EQ(TextOf(third), "clock said: 12:00. clock said: Error: no zone.");
  EXPECT_EQ(third.finish_reason, "stop");
}

TEST(Tools, AreCalledWhenTheMessageAsksForIt) {
  EXPECT_THAT(Calls(Plan(User("Please use the tool clock."))), ElementsAre("clock:{}"));
  EXPECT_THAT(Calls(Plan(User("Call weather with {\"city\": \"Bern\"}, please"))),
              ElementsAre("weather:{\"city\": \"Bern\"}"));
  EXPECT_THAT(Calls(Plan(User("Use a hammer."))), SizeIs(0));
  EXPECT_THAT(Calls(Plan(User("Use clock."), "")), SizeIs(0));
}

TEST(Tools, OfAnEarlierTurnAreNotCalledAgain) {
  const Reply reply = Plan(absl::StrCat(User("Use clock."), ",", Called("a"), ",",
                                        Result("a", "12:00"), ",", User("Thanks.")));

  EXPECT_THAT(Calls(reply), SizeIs(0));
  EXPECT_EQ(TextOf(reply), "Noted. Thanks.");
}

TEST(Tools, AreCalledForEverWhenToldSo) {
  const Reply reply = Plan(absl::StrCat(User("/sim tool clock\n/sim tool-always"), ",", Called("a"),
                                        ",", Result("a", "x")));

  EXPECT_THAT(Calls(reply), ElementsAre("clock:{}"));
}

TEST(Tools, FollowTheChoice) {
  const auto calls = [](absl::string_view said, absl::string_view more) {
    return Calls(Plan(User(said), absl::StrCat(kTools, more)));
  };

  EXPECT_THAT(calls("Use clock.", R"(,"tool_choice":"none")"), SizeIs(0));
  EXPECT_THAT(calls("Hi.", R"(,"tool_choice":"required")"), ElementsAre("clock:{}"));
  EXPECT_THAT(calls("Hi.", R"(,"tool_choice":{"type":"function","function":{"name":"weather"}})"),
              ElementsAre("weather:{}"));
  EXPECT_THAT(calls("/sim tool clock\n/sim tool clock", R"(,"parallel_tool_calls":false)"),
              SizeIs(1));
}

TEST(Tools, AreWrittenInPiecesOfWholeCharactersAndCutByTheBound) {
  const std::string said = "/sim pieces 2\n/sim tool clock {\"a\":\"水水\"}";
  const Reply whole = Plan(User(said));
  const Reply cut = Plan(User(said), absl::StrCat(kTools, R"(,"max_completion_tokens":2)"));

  ASSERT_THAT(whole.calls, SizeIs(3));
  EXPECT_EQ(whole.calls[1].arguments, "{\"a\":\"水");
  EXPECT_EQ(whole.tokens(), 3);
  EXPECT_THAT(Calls(cut), ElementsAre("clock:{\"a\":\"水"));
  EXPECT_EQ(cut.finish_reason, "length");
}

TEST(Tools, RefuseAHistoryThatDoesNotPairCallsAndResults) {
  const std::string user = User("hi");
  const auto error = [&](const std::string& rest) {
    return ErrorOf(Plan(absl::StrCat(user, ",", rest)));
  };

  EXPECT_EQ(error(absl::StrCat(Called("a"), ",", Result("a", "x"))), "none");
  EXPECT_EQ(error(absl::StrCat(Called("a"), ",", user)),
            "messages.[2].role An assistant message with 'tool_calls' must be followed by tool "
            "messages responding to each 'tool_call_id'. The following tool_call_ids did not have "
            "response messages: a");
  EXPECT_THAT(error(Called("a")), HasSubstr("did not have response messages: a"));
  EXPECT_THAT(error(Result("a", "x")), HasSubstr("messages.[1].role Invalid parameter: messages"));
  EXPECT_THAT(error(absl::StrCat(Called("a"), ",", Result("b", "x"))),
              HasSubstr("messages.[2].tool_call_id Invalid parameter: 'tool_call_id' of 'b' not"));
  EXPECT_THAT(error(absl::StrCat(Called("a"), ",", Result("a", "x"), ",", Result("a", "x"))),
              HasSubstr("messages.[3].tool_call_id"));
  EXPECT_THAT(error(R"({"role":"tool","content":"x"})"),
              HasSubstr("messages.[1].tool_call_id Missing parameter"));
  EXPECT_THAT(error(R"({"role":"assistant","content":null})"), HasSubstr("messages[1].content"));
  EXPECT_THAT(error(R"({"role":"assistant","tool_calls":[]})"),
              HasSubstr("messages[1].tool_calls Invalid"));
  EXPECT_THAT(error(Called("a", "no name")), HasSubstr("messages[1].tool_calls[0].function.name"));
}

TEST(Tools, RefuseToolsThatAreNotOfTheSchema) {
  const auto error = [](absl::string_view more) { return ErrorOf(Plan(User("hi"), more)); };
  const auto tool = [&](absl::string_view function) {
    return error(absl::StrCat(R"("tools":[{"type":"function","function":)", function, "}]"));
  };

  EXPECT_THAT(error(R"("tools":[])"), HasSubstr("tools Invalid 'tools': empty array"));
  EXPECT_THAT(error(R"("tools":[{"type":"magic"}])"), HasSubstr("tools[0].type"));
  EXPECT_THAT(tool(R"({})"), HasSubstr("tools[0].function.name Missing required"));
  EXPECT_THAT(tool(R"({"name":"a b"})"), HasSubstr("does not match pattern"));
  EXPECT_THAT(tool(R"({"name":"a","parameters":7})"), HasSubstr("tools[0].function.parameters"));
  EXPECT_THAT(tool(R"({"name":"a","parameters":{"type":"string"}})"),
              HasSubstr("Invalid schema for function 'a'"));
  EXPECT_THAT(tool(R"({"name":"a","strict":true,"parameters":{"type":"object"}})"),
              HasSubstr("'additionalProperties' is required"));
  EXPECT_THAT(
      tool(R"({"name":"a","strict":true,"parameters":{"type":"object","properties":{"x":{}},)"
           R"("required":[],"additionalProperties":false}})"),
      HasSubstr("Missing 'x'"));
  EXPECT_EQ(tool(R"({"name":"a","strict":true,"parameters":{"type":"object","properties":{"x":{}},)"
                 R"("required":["x"],"additionalProperties":false}})"),
            "none");
  EXPECT_THAT(error(R"("tool_choice":"auto")"), HasSubstr("only allowed when 'tools'"));
  EXPECT_THAT(error(R"("parallel_tool_calls":true)"), HasSubstr("only allowed when 'tools'"));
  EXPECT_THAT(error(absl::StrCat(
                  kTools, R"(,"tool_choice":{"type":"function","function":{"name":"other"}})")),
              HasSubstr("Tool choice 'other' not found in 'tools' parameter."));
}

TEST_F(ProvidersimTest, StreamsCallsPieceByPiece) {
  Start({});

  const std::string stream = Chat(
      Body("/sim pieces 2\n/sim tool clock {\"a\":1}",
           absl::StrCat(R"(,"stream":true,"stream_options":{"include_usage":true},)", kTools)));

  const std::vector<std::string> events = absl::StrSplit(stream, "\n\n", absl::SkipEmpty());
  ASSERT_THAT(events, SizeIs(7));
  EXPECT_THAT(events[0], HasSubstr(R"("delta":{"role":"assistant","content":null)"));
  EXPECT_THAT(events[1], HasSubstr(R"("delta":{"tool_calls":[{"index":0,"id":"call_)"));
  EXPECT_THAT(events[1],
              HasSubstr(R"("type":"function","function":{"name":"clock","arguments":""}}]})"));
  EXPECT_THAT(
      events[2],
      HasSubstr(R"("delta":{"tool_calls":[{"index":0,"function":{"arguments":"{\"a\""}}]})"));
  EXPECT_THAT(events[3], HasSubstr(R"({"arguments":":1}"}})"));
  EXPECT_THAT(events[4], HasSubstr(R"("finish_reason":"tool_calls")"));
  EXPECT_THAT(events[5], HasSubstr(R"("completion_tokens":3,)"));
}

TEST_F(ProvidersimTest, AnswersCallsWhole) {
  Start({});

  const std::string answer =
      Chat(Body("/sim tool clock\n/sim tool weather {\"a\":1}", absl::StrCat(",", kTools)));

  EXPECT_THAT(answer, HasSubstr(R"("content":null)"));
  EXPECT_THAT(answer, HasSubstr(R"("function":{"name":"clock","arguments":"{}"}},{"id":"call_)"));
  EXPECT_THAT(answer, HasSubstr(R"("name":"weather","arguments":"{\"a\":1}"}}])"));
  EXPECT_THAT(answer, HasSubstr(R"("finish_reason":"tool_calls")"));
}

TEST_F(ProvidersimTest, CutsACallInItsMiddle) {
  Start({});
  RawClient client = Client();

  client.SendChat(Body("/sim truncate-after 2\n/sim tool clock {\"a\":1}",
                       absl::StrCat(R"(,"stream":true,)", kTools)));
  const std::string stream = client.ReadAnswer();

  EXPECT_THAT(stream, HasSubstr(R"({"arguments":"{\"a"})"));
  EXPECT_THAT(stream, testing::Not(HasSubstr("finish_reason\":\"")));
}

}  // namespace
}  // namespace penstock::providersim
