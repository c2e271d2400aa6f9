// Tools in requests and answers of OpenAI Chat Completions.
#include <string>
#include <vector>

#include <gmock/gmock.h>
#include <google/protobuf/text_format.h>
#include <gtest/gtest.h>

#include "libs/http/sse_parser.h"
#include "services/provider_adapter/answer.h"
#include "services/provider_adapter/json_text.h"
#include "services/provider_adapter/openai/chat.h"

#include "absl/strings/str_cat.h"

namespace penstock::provider_adapter {
namespace {

using chat::v1::Delta;
using provider::v1::GenerateEvent;
using provider::v1::GenerateRequest;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::Not;

GenerateRequest Request(const std::string& text) {
  GenerateRequest request;
  EXPECT_TRUE(google::protobuf::TextFormat::ParseFromString(text, &request));
  return request;
}

constexpr char kAsk[] = "messages { role: USER parts { text { text: 'x' } } } ";

std::string Body(const std::string& text) {
  const auto body = OpenAiChat().Body("m", {}, Request(text));
  EXPECT_TRUE(body.ok()) << body.status();
  EXPECT_TRUE(WithJson(*body, [](const auto&) {})) << *body;
  return *body;
}

std::string RefusalOf(const std::string& text) {
  return std::string(OpenAiChat().Body("m", {}, Request(text)).status().message());
}

TEST(OpenAiToolsRequest, OffersToolsWithTheirSchemasUnchanged) {
  const std::string body = Body(absl::StrCat(kAsk, R"pb(
    tools {
      name: "get_weather"
      description: "Weather \"now\""
      parameters: "{ \"type\" : \"object\", \"big\": 9007199254740993 }"
      strict: true
    }
    tools { name: "clock" })pb"));

  EXPECT_THAT(body, HasSubstr(R"(,"tools":[{"type":"function","function":{"name":"get_weather",)"
                              R"("description":"Weather \"now\"","parameters":)"
                              R"({ "type" : "object", "big": 9007199254740993 },"strict":true}},)"
                              R"({"type":"function","function":{"name":"clock"}}],"stream":true)"));
}

TEST(OpenAiToolsRequest, SaysWhetherAToolIsToBeCalled) {
  const auto body = [](const std::string& choice) {
    return Body(
        absl::StrCat(kAsk, "tools { name: 'clock' } generation { tool_choice { ", choice, " } }"));
  };

  EXPECT_THAT(body("mode: AUTO"), HasSubstr(R"(],"tool_choice":"auto",)"));
  EXPECT_THAT(body("mode: NONE"), HasSubstr(R"(],"tool_choice":"none",)"));
  EXPECT_THAT(body("mode: REQUIRED"), HasSubstr(R"(],"tool_choice":"required",)"));
  EXPECT_THAT(body("tool: 'clock' mode: NONE"),
              HasSubstr(R"(],"tool_choice":{"type":"function","function":{"name":"clock"}},)"));
  EXPECT_THAT(body(""), Not(HasSubstr("tool_choice")));
}

TEST(OpenAiToolsRequest, FollowsTheQuirksOfItsTools) {
  const auto body = [](const Quirks& quirks, const std::string& choice) {
    return *OpenAiChat(quirks).Body(
        "m", {},
        Request(absl::StrCat(kAsk, "tools { name: 'clock' } generation { tool_choice { ", choice,
                             " } }")));
  };
  constexpr char kClock[] = R"("tools":[{"type":"function","function":{"name":"clock"}}])";

  EXPECT_THAT(body({.no_parallel_tool_calls = true}, ""),
              HasSubstr(absl::StrCat(kClock, R"(,"parallel_tool_calls":false,)")));
  EXPECT_THAT(body({.no_tool_choice = true}, "mode: REQUIRED"),
              testing::AllOf(HasSubstr(kClock), Not(HasSubstr("tool_choice"))));
  EXPECT_THAT(body({.no_tool_choice = true}, "mode: NONE"), Not(HasSubstr("tool")));
  for (const char* forced : {"mode: REQUIRED", "tool: 'clock'", "tool: 'clock' mode: NONE"}) {
    EXPECT_THAT(body({.no_forced_tool_choice = true}, forced),
                HasSubstr(absl::StrCat(kClock, R"(,"tool_choice":"auto",)")));
  }
  EXPECT_THAT(body({.no_forced_tool_choice = true}, "mode: NONE"),
              HasSubstr(R"("tool_choice":"none")"));
  EXPECT_THAT(body({.no_forced_tool_choice = true}, ""), Not(HasSubstr("tool_choice")));
}

TEST(OpenAiToolsRequest, SaysNothingOfAChoiceAmongNoTools) {
  const std::string body =
      Body(absl::StrCat(kAsk, "generation { tool_choice { mode: REQUIRED tool: 'clock' } }"));

  EXPECT_THAT(body, Not(HasSubstr("tool")));
}

TEST(OpenAiToolsRequest, SendsCallsAndAMessageForEachResult) {
  const std::string body = Body(absl::StrCat(kAsk, R"pb(
    messages {
      role: ASSISTANT
      parts { reasoning { text: "hm" } }
      parts { tool_call { id: "c1" name: "clock" arguments: "{\"zone\":\"CET\"}" } }
      parts { tool_call { id: "c2" name: "clock" } }
    }
    messages {
      role: TOOL
      parts { tool_result { tool_call_id: "c2" content: "no zone" is_error: true } }
      parts { tool_result { tool_call_id: "c1" content: "{\"t\":\"12:00\"}" } }
    }
    messages {
      role: ASSISTANT
      parts { text { text: "Again." } }
      parts { tool_call { id: "c3" name: "clock" arguments: "{}" } }
    }
    messages {
      role: TOOL
      parts { tool_result { tool_call_id: "c3" } }
    })pb"));

  EXPECT_THAT(
      body,
      HasSubstr(
          R"({"role":"assistant","content":null,"tool_calls":[)"
          R"({"id":"c1","type":"function","function":{"name":"clock","arguments":"{\"zone\":\"CET\"}"}},)"
          R"({"id":"c2","type":"function","function":{"name":"clock","arguments":"{}"}}]},)"
          R"({"role":"tool","tool_call_id":"c2","content":"Error: no zone"},)"
          R"({"role":"tool","tool_call_id":"c1","content":"{\"t\":\"12:00\"}"},)"
          R"({"role":"assistant","content":"Again.","tool_calls":[)"
          R"({"id":"c3","type":"function","function":{"name":"clock","arguments":"{}"}}]},)"
          R"({"role":"tool","tool_call_id":"c3","content":""}])"));
}

TEST(OpenAiToolsRequest, SendsArgumentsThatAreNoJsonAsJson) {
  const std::string body = Body(
      "messages { role: ASSISTANT parts { tool_call { id: 'c1' name: 'n' arguments: '{\"a' } } }");

  EXPECT_THAT(body, HasSubstr(R"("arguments":"{\"invalid_json\":\"{\\\"a\"}")"));
}

TEST(OpenAiToolsRequest, SendsWholeCharactersOnly) {
  const std::string body = Body(
      "messages { role: ASSISTANT parts { tool_call { id: 'c' name: 'n' } } } "
      "messages { role: ASSISTANT parts { tool_call { id: 'c' name: 'n' } } } "
      "messages { role: TOOL parts { tool_result { tool_call_id: 'c' content: '\\xE6\\xB0' "
      "} } }");

  EXPECT_THAT(body, HasSubstr("\"content\":\"\uFFFD\""));
}

TEST(OpenAiToolsRequest, RefusesWhatItCannotSay) {
  EXPECT_THAT(RefusalOf(absl::StrCat(kAsk, "tools { name: 'n' parameters: '[]' }")),
              HasSubstr("tools[0].parameters"));
  EXPECT_THAT(RefusalOf(absl::StrCat(kAsk, "tools { name: 'n' parameters: '{},{}' }")),
              HasSubstr("tools[0].parameters"));
  EXPECT_THAT(RefusalOf(absl::StrCat(
                  kAsk, "tools { name: 'n' } generation { tool_choice { tool: 'other' } }")),
              HasSubstr("generation.tool_choice.tool"));
  EXPECT_THAT(RefusalOf("messages { role: USER parts { tool_call { id: 'c' name: 'n' } } }"),
              HasSubstr("messages[0].parts[0]"));
  EXPECT_THAT(RefusalOf("messages { role: USER parts { tool_result { tool_call_id: 'c' } } }"),
              HasSubstr("messages[0].parts[0]"));
  EXPECT_THAT(RefusalOf("messages { role: TOOL parts { text { text: 'x' } } }"),
              HasSubstr("messages[0].parts[0]"));
  EXPECT_THAT(RefusalOf(absl::StrCat(
                  kAsk, "messages { role: TOOL parts { tool_result { tool_call_id: 'c' } } }")),
              HasSubstr("messages[1].parts[0].tool_result.tool_call_id: found c"));
}

OfferedTools Tools() {
  return OfferedTools(
      Request("tools { name: 'get_weather' } tools { name: 'get_time' } tools { name: 'n' }"));
}

// What the answer tells: "0/TOOL_ARGUMENTS:{", and in the end "call_1 name(arguments)" of each
// call, "text" of each text, and TOOL_CALLS or why it failed.
struct Told {
  std::vector<std::string> deltas;
  std::vector<std::string> end;
};

std::vector<std::string> Describe(const GenerateEvent& event) {
  if (event.has_failed()) return {event.failed().message()};
  std::vector<std::string> lines;
  for (const auto& part : event.finished().message().parts()) {
    const auto& call = part.tool_call();
    lines.push_back(part.has_tool_call()
                        ? absl::StrCat(call.id(), " ", call.name(), "(", call.arguments(), ")")
                        : absl::StrCat(part.text().text(), part.reasoning().text()));
  }
  lines.push_back(chat::v1::FinishReason_Name(event.finished().finish_reason()));
  return lines;
}

Told End(Answer& answer) {
  answer.Close(FailureOf("p", chat::v1::STREAM_TRUNCATED, "cut"));
  Told told;
  for (const DeltaPiece& piece : answer.TakeDue(absl::InfiniteDuration())) {
    told.deltas.push_back(absl::StrCat(
        piece.part, "/", Delta::Kind_Name(static_cast<Delta::Kind>(piece.kind)), ":", piece.text));
  }
  told.end = Describe(answer.TakeEnd(std::nullopt, ""));
  return told;
}

// Reads a stream that arrives in these pieces.
Told ReadPieces(const std::vector<absl::string_view>& pieces, size_t max_bytes = 1000) {
  Answer answer("p", {}, max_bytes, Tools());
  const auto parser = OpenAiChat().NewParser();
  http::SseParser sse;
  for (const absl::string_view piece : pieces) {
    EXPECT_TRUE(sse.Feed(piece,
                         [&](const http::SseEvent& event) {
                           parser->OnEvent(event, answer);
                           return !answer.ended();
                         })
                    .ok());
  }
  return End(answer);
}

std::string Chunk(absl::string_view tool_calls) {
  return absl::StrCat(R"(data: {"choices":[{"delta":{"tool_calls":)", tool_calls, "}}]}\n\n");
}
std::string Finish(absl::string_view reason) {
  return absl::StrCat(R"(data: {"choices":[{"delta":{},"finish_reason":")", reason, "\"}]}\n\n");
}
std::string Failed(absl::string_view what) { return absl::StrCat("p: ", what); }

TEST(OpenAiToolsAnswer, ReadsCallsThatTakeTurnsAndAnIndexFromOne) {
  const Told told = ReadPieces(
      {Chunk(R"([{"index":1,"id":"a","function":{"name":"n","arguments":"{"}},)"
             R"({"index":2,"id":"b","function":{"name":"n","arguments":"{"}}])"),
       Chunk(R"([{"index":1,"id":"a","function":{"name":"n","arguments":"}"}}])"),
       Chunk(R"([{"index":2,"function":{"name":null,"arguments":" }"}}])"), Finish("tool_calls")});

  EXPECT_THAT(told.deltas, ElementsAre("0/TOOL_ARGUMENTS:{", "1/TOOL_ARGUMENTS:{",
                                       "0/TOOL_ARGUMENTS:}", "1/TOOL_ARGUMENTS: }"));
  EXPECT_THAT(told.end, ElementsAre("a n({})", "b n({ })", "TOOL_CALLS"));
}

TEST(OpenAiToolsAnswer, TellsTwoCallsApartThatShareAnIndexOrAnId) {
  EXPECT_THAT(ReadPieces({Chunk(R"([{"index":0,"id":"a","function":{"name":"n"}}])"),
                          Chunk(R"([{"index":0,"id":"b","function":{"name":"n"}}])"),
                          Chunk(R"([{"index":1,"id":"a","function":{"name":"n"}}])"),
                          Chunk(R"([{"function":{"name":"n","arguments":"{"}}])"),
                          Chunk(R"([{"function":{"arguments":"}"}}])"), Finish("stop")})
                  .end,
              ElementsAre("a n({})", "b n({})", "call_3 n({})", "call_4 n({})", "TOOL_CALLS"));
}

TEST(OpenAiToolsAnswer, EndsWithNoMoreThanTheEndMarker) {
  EXPECT_THAT(
      ReadPieces({Chunk(R"([{"index":0,"id":"a","function":{"name":"n"}}])"), "data: [DONE]\n\n"})
          .end,
      ElementsAre("a n({})", "TOOL_CALLS"));
}

TEST(OpenAiToolsAnswer, IsMalformedWhenItCannotBeCalled) {
  const auto read = [](absl::string_view calls) {
    return ReadPieces({Chunk(calls), Finish("tool_calls")}).end;
  };

  EXPECT_THAT(read(R"([{"index":0,"id":"a","function":{"arguments":"{}"}}])"),
              ElementsAre(Failed("a tool call has no name")));
  EXPECT_THAT(read(R"([{"index":0,"id":"a"}])"),
              ElementsAre(Failed("a tool call has no function")));
  EXPECT_THAT(read(R"([7])"), ElementsAre(Failed("a tool call has no function")));
  EXPECT_THAT(read(R"({"index":0})"), ElementsAre(Failed("tool_calls is no array")));
  EXPECT_THAT(
      read(R"([{"function":{"name":"n","arguments":[1]}}])"),
      ElementsAre(Failed("the arguments of a tool call are neither a string nor an object")));
  EXPECT_THAT(read(R"([{"function":{"name":"other"}}])"),
              ElementsAre(Failed("a tool was called that was not offered")));
  EXPECT_THAT(read("[]"), ElementsAre(Failed("the answer ended for tool calls, but has none")));
  EXPECT_THAT(read("null"), ElementsAre(Failed("the answer ended for tool calls, but has none")));
}

TEST(OpenAiToolsAnswer, CannotUseACallWhenNoneWasOffered) {
  Answer answer("p", {}, 1000);
  answer.OnToolCall("a", "n");

  EXPECT_THAT(End(answer).end, ElementsAre(Failed("a tool was called, but none was offered")));
}

TEST(OpenAiToolsAnswer, KeepsNoCallThatWasCutShort) {
  const std::string call =
      Chunk(R"([{"index":0,"id":"a","function":{"name":"n","arguments":"{"}}])");
  const std::string text = "data: {\"choices\":[{\"delta\":{\"content\":\"Hm.\"}}]}\n\n";

  EXPECT_THAT(ReadPieces({text, call, Finish("length")}).end, ElementsAre("Hm.", "LENGTH"));
  EXPECT_THAT(ReadPieces({text, call, Finish("content_filter")}).end,
              ElementsAre("Hm.", "CONTENT_FILTER"));
}

TEST(OpenAiToolsAnswer, CountsCallsInItsBound) {
  const std::string call =
      Chunk(R"([{"index":0,"id":"a","function":{"name":"n","arguments":"12345678"}}])");

  EXPECT_THAT(ReadPieces({call, Finish("tool_calls")}, 10).end,
              ElementsAre("a n(12345678)", "TOOL_CALLS"));
  EXPECT_THAT(ReadPieces({call, Finish("tool_calls")}, 9).end, ElementsAre("LENGTH"));
  EXPECT_THAT(ReadPieces({call, Finish("tool_calls")}, 1).end, ElementsAre("LENGTH"));
}

TEST(OpenAiToolsAnswer, DoesNotHoldArgumentsBack) {
  Answer answer("p", {}, 1000, Tools());
  answer.OnToolCall("a", "n");
  for (const absl::string_view piece : {"{\"k\"", ":", "1"}) {
    answer.OnToolArguments(0, piece);
    EXPECT_LE(answer.NextDue(), absl::Seconds(100));
    EXPECT_EQ(answer.TakeDue(absl::Seconds(100)).size(), 1u);
  }
}

TEST(OpenAiToolsAnswer, JoinsCharactersOfEachCallThatWereCut) {
  Answer answer("p", {}, 1000, Tools());
  answer.OnToolCall("a", "n");
  answer.OnToolCall("b", "n");
  answer.OnToolArguments(0, "\"\xE6\xB0");
  answer.OnToolArguments(1, "\"\xE6");
  answer.OnToolArguments(0, "\xB4\"");
  answer.OnToolArguments(1, "\xB0");
  answer.OnFinish(chat::v1::TOOL_CALLS);
  answer.OnEnd();

  EXPECT_THAT(End(answer).end, ElementsAre("a n(\"水\")", "b n(\"\uFFFD)", "TOOL_CALLS"));
}

}  // namespace
}  // namespace penstock::provider_adapter
