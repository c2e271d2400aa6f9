// Anthropic's format over real sockets: heads, events, bodies, errors, records.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/providersim/simulator_fixture.h"

#include "absl/strings/str_split.h"

namespace penstock::providersim {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::Not;
using testing::StartsWith;

constexpr absl::string_view kTools =
    R"(,"tools":[{"name":"clock","input_schema":{"type":"object"}},)"
    R"({"name":"scales","input_schema":{"type":"object"}}])";

class MessagesTest : public ProvidersimTest {
 protected:
  static std::vector<std::string> NamesOf(const std::string& stream) {
    std::vector<std::string> names;
    for (absl::string_view event : absl::StrSplit(stream, "\n\n", absl::SkipEmpty())) {
      names.emplace_back(event.substr(7, event.find('\n') - 7));
    }
    return names;
  }
};

TEST_F(MessagesTest, StreamsFromMessageStartToMessageStop) {
  Start({});
  RawClient client = Client();

  client.SendMessages(MessagesBody("/sim tokens 3\n/sim events 2"));
  const std::string stream = client.ReadAnswer();

  EXPECT_THAT(client.head(), StartsWith("HTTP/1.1 200 OK\r\ncontent-type: text/event-stream"));
  EXPECT_THAT(client.head(), HasSubstr("\r\nrequest-id: req_"));
  EXPECT_THAT(client.head(), HasSubstr("\r\nanthropic-ratelimit-input-tokens-remaining: "));
  EXPECT_THAT(client.head(), Not(HasSubstr("openai")));
  EXPECT_THAT(NamesOf(stream), ElementsAre("message_start", "ping", "content_block_start",
                                           "content_block_delta", "content_block_delta",
                                           "content_block_stop", "message_delta", "message_stop"));
  EXPECT_THAT(stream, HasSubstr(R"(data: {"type":"message_start","message":{"id":"msg_)"));
  EXPECT_THAT(stream, HasSubstr(R"("usage":{"input_tokens":)"));
  EXPECT_THAT(stream, HasSubstr(R"("content_block":{"type":"text","text":""}})"));
  EXPECT_EQ(MessageTextOf(stream), "t1 t2 t3");
  EXPECT_THAT(stream, HasSubstr(R"("delta":{"stop_reason":"end_turn","stop_sequence":null,)"));
  EXPECT_THAT(stream, HasSubstr(R"("output_tokens":3,)"));
}

TEST_F(MessagesTest, AnswersWholeAndFromTheSameModelAsTheOtherFormat) {
  Start({});
  constexpr absl::string_view kHistory =
      R"("messages":[{"role":"user","content":"My dog is called Rex."},)"
      R"({"role":"assistant","content":"Noted."},)"
      R"({"role":"user","content":"What is my dog called?"}])";

  const std::string message =
      Messages(absl::StrCat(R"({"model":"sim","max_tokens":64,)", kHistory, "}"));
  const std::string completion = Chat(absl::StrCat(R"({"model":"sim",)", kHistory, "}"));

  EXPECT_THAT(message, HasSubstr(R"("type":"message","role":"assistant","model":"sim",)"
                                 R"("content":[{"type":"text","text":"You told me: My dog is )"
                                 R"(called Rex."}],"stop_reason":"end_turn")"));
  EXPECT_THAT(completion, HasSubstr(R"("content":"You told me: My dog is called Rex.")"));
}

TEST_F(MessagesTest, StreamsCallsInPieces) {
  Start({});

  const std::string stream =
      Messages(MessagesBody("/sim pieces 2\n/sim tool clock {\"a\":1}\n/sim tool scales",
                            absl::StrCat(R"(,"stream":true)", kTools)));

  EXPECT_THAT(stream, HasSubstr(R"("index":0,"content_block":{"type":"tool_use","id":"toolu_n)"));
  EXPECT_THAT(stream, HasSubstr(R"("name":"clock","input":{}}})"));
  EXPECT_THAT(stream, HasSubstr(R"("index":1,"content_block":{"type":"tool_use")"));
  EXPECT_THAT(stream, HasSubstr(R"("partial_json":"{\"a\"")"));
  EXPECT_THAT(stream, HasSubstr(R"("partial_json":":1}")"));
  EXPECT_THAT(stream, HasSubstr(R"("stop_reason":"tool_use")"));
}

TEST_F(MessagesTest, AnswersCallsWholeAndSpeaksOfTheirResults) {
  Start({});
  const std::string said = "/sim tool clock {\"a\":1}\n/sim tool scales not json";

  const std::string calls = Messages(MessagesBody(said, kTools));
  const std::string spoken = Messages(absl::StrCat(
      R"({"model":"sim","max_tokens":64,"messages":[{"role":"user","content":"hi"},)",
      R"({"role":"assistant","content":[{"type":"tool_use","id":"a","name":"clock","input":{}}]},)",
      R"({"role":"user","content":[{"type":"tool_result","tool_use_id":"a","content":"12:00"}]}])",
      kTools, "}"));

  EXPECT_THAT(calls, HasSubstr(R"("name":"clock","input":{"a":1}},)"));
  EXPECT_THAT(calls, HasSubstr(R"("name":"scales","input":{"INVALID_JSON":"not json"}}])"));
  EXPECT_THAT(spoken, HasSubstr(R"("text":"clock said: 12:00.")"));
}

TEST_F(MessagesTest, StreamsThoughtsBeforeItsText) {
  Start({});

  const std::string stream = Messages(MessagesBody("/sim reasoning\n/sim redacted\n/sim tokens 1"));

  EXPECT_EQ(Joined(stream, R"("thinking_delta","thinking":")"), "Let me think about that.");
  EXPECT_THAT(stream, HasSubstr(R"("delta":{"type":"signature_delta","signature":")"));
  EXPECT_THAT(stream,
              HasSubstr(R"("index":1,"content_block":{"type":"redacted_thinking","data":)"));
  EXPECT_THAT(stream, HasSubstr(R"("index":2,"content_block":{"type":"text")"));
  EXPECT_THAT(stream,
              HasSubstr(R"("output_tokens":6,"output_tokens_details":{"thinking_tokens":5})"));
}

TEST_F(MessagesTest, EndsForEveryReason) {
  Start({});
  const auto end = [this](absl::string_view said, absl::string_view more = "") {
    return Messages(MessagesBody(said, more));
  };

  EXPECT_THAT(end("/sim refusal"),
              HasSubstr(R"("content":[],"stop_reason":"refusal","stop_sequence":null,)"
                        R"("stop_details":{"type":"refusal",)"));
  EXPECT_THAT(end("/sim finish content_filter"), HasSubstr(R"("stop_reason":"refusal")"));
  EXPECT_THAT(end("/sim finish pause_turn"), HasSubstr(R"("stop_reason":"pause_turn")"));
  EXPECT_THAT(end("/sim tokens 9000"), HasSubstr(R"("stop_reason":"max_tokens")"));
  EXPECT_THAT(end("one two three", R"(,"stop_sequences":["two"])"),
              HasSubstr(R"("stop_reason":"stop_sequence","stop_sequence":"two")"));
}

TEST_F(MessagesTest, DemandsItsKeyAndVersion) {
  Start({.api_key = "secret", .models = {"sim"}});
  RawClient client = Client();
  const auto ask = [&](absl::string_view headers) {
    client.Send("POST", "/v1/messages", MessagesBody("/sim tokens 1", ""), headers);
    const std::string body = client.ReadAnswer();
    return absl::StrCat(client.head().substr(9, 3), " ", body);
  };

  EXPECT_THAT(
      ask("x-api-key: secret\r\n"),
      HasSubstr(R"("message":"anthropic-version: header is required"},"request_id":"req_)"));
  EXPECT_THAT(ask("x-api-key: secret\r\nanthropic-version: 2020-01-01\r\n"),
              HasSubstr("is not a valid version"));
  EXPECT_THAT(ask("anthropic-version: 2023-06-01\r\n"),
              StartsWith(R"(401 {"type":"error","error":{"type":"authentication_error",)"
                         R"("message":"x-api-key header is required"})"));
  EXPECT_THAT(ask("x-api-key: wrong\r\nanthropic-version: 2023-06-01\r\n"),
              HasSubstr("invalid x-api-key"));
  EXPECT_THAT(ask("x-api-key: secret\r\nanthropic-version: 2026-10-21\r\n"), StartsWith("200 "));
  EXPECT_THAT(ask("Authorization: Bearer secret\r\nanthropic-version: 2023-06-01\r\n"),
              StartsWith("200 "));
  EXPECT_THAT(Get("/_sim/requests"), Not(HasSubstr("secret")));
  EXPECT_THAT(Get("/_sim/requests"), HasSubstr(R"("format":"anthropic")"));
}

TEST_F(MessagesTest, RefusesSamplingByTheNewestVersionOnly) {
  Start({});
  RawClient client = Client();
  const std::string body = MessagesBody("hi", R"(,"temperature":0.5)");

  client.Send("POST", "/v1/messages", body, "anthropic-version: 2026-10-21\r\n");

  EXPECT_THAT(client.ReadAnswer(), HasSubstr(R"({"type":"invalid_request_error","message":)"
                                             R"("`temperature` is deprecated for this model."})"));
  EXPECT_THAT(Messages(body), HasSubstr("Noted. hi"));
}

TEST_F(MessagesTest, CountsTokensAndListsModels) {
  Start({.models = {"sim", "small"}});
  RawClient client = Client();
  constexpr absl::string_view kVersion = "anthropic-version: 2023-06-01\r\n";

  client.Send("POST", "/v1/messages/count_tokens?beta=true",
              R"({"model":"sim","messages":[{"role":"user","content":"12345678"}]})", kVersion);
  EXPECT_EQ(client.ReadAnswer(), R"({"input_tokens":5})");
  client.Send("GET", "/v1/models", "", kVersion);
  EXPECT_THAT(client.ReadAnswer(),
              HasSubstr(R"("has_more":false,"first_id":"sim","last_id":"small")"));
  client.Send("GET", "/v1/models/other", "", kVersion);
  EXPECT_THAT(client.ReadAnswer(),
              HasSubstr(R"({"type":"not_found_error","message":"model: other"})"));
  client.Send("GET", "/v1/messages", "", kVersion);
  client.ReadAnswer();
  EXPECT_THAT(client.head(), StartsWith("HTTP/1.1 405 "));
  EXPECT_THAT(Get("/_sim/stats"), HasSubstr(R"("calls":0,)"));
}

TEST_F(MessagesTest, AnswersErrorsByTheirStatus) {
  Start({});
  const auto error = [this](absl::string_view status) {
    return Messages(MessagesBody(absl::StrCat("/sim status ", status)));
  };

  EXPECT_THAT(error("400 context_length_exceeded"), HasSubstr("prompt is too long: "));
  EXPECT_THAT(error("402"), HasSubstr(R"("type":"billing_error")"));
  EXPECT_THAT(error("413"), HasSubstr(R"("type":"request_too_large")"));
  EXPECT_THAT(
      error("429 enforced_spend_limit_reached"),
      HasSubstr(R"("details":{"error_code":"enforced_spend_limit_reached"}},"request_id":)"));
  EXPECT_THAT(error("500"), HasSubstr(R"("type":"api_error","message":"Internal server error")"));
  EXPECT_THAT(error("504"), HasSubstr(R"("type":"timeout_error")"));
  EXPECT_THAT(error("529"), HasSubstr(R"("type":"overloaded_error","message":"Overloaded")"));
  EXPECT_THAT(Messages(MessagesBody("/sim tokns 3")), HasSubstr("not a directive: /sim tokns 3"));
}

TEST_F(MessagesTest, SharesTheLimitsOfItsAccount) {
  Start({.limits = {.requests = 1}});
  RawClient client = Client();

  client.SendMessages(MessagesBody("hi"), "x-api-key: k\r\n");
  client.ReadAnswer();
  EXPECT_THAT(client.head(), HasSubstr("\r\nanthropic-ratelimit-requests-remaining: 0\r\n"));
  client.SendMessages(MessagesBody("hi"), "x-api-key: k\r\n");

  EXPECT_THAT(client.ReadAnswer(), HasSubstr("rate_limit_error"));
  EXPECT_THAT(client.head(), HasSubstr("\r\nretry-after: 60\r\n"));
}

}  // namespace
}  // namespace penstock::providersim
