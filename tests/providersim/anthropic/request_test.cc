// What Anthropic refuses, in its words.
#include "tests/providersim/anthropic/request.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "absl/strings/str_cat.h"

namespace penstock::providersim::anthropic {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::SizeIs;

constexpr absl::string_view kUser = R"({"role":"user","content":"hi"})";
constexpr absl::string_view kCall =
    R"({"role":"assistant","content":[{"type":"tool_use","id":"a","name":"clock","input":{"z":1}}]})";
constexpr absl::string_view kResult =
    R"({"role":"user","content":[{"type":"tool_result","tool_use_id":"a","content":"12:00"}]})";

std::string Whole(absl::string_view messages, absl::string_view more = "") {
  return absl::StrCat(R"({"model":"m","max_tokens":2048,"messages":[)", messages, "]", more, "}");
}

std::string Read(absl::string_view body, const Rules& rules = {}) {
  boost::json::value document;
  Prompt prompt;
  const Refused refused = ReadRequest(body, rules, document, prompt);
  return refused ? refused->message : "none";
}

std::string With(absl::string_view more, const Rules& rules = {}) {
  return Read(Whole(kUser, more), rules);
}

std::string Content(absl::string_view blocks, absl::string_view role = "user") {
  const std::string message = absl::StrCat(R"({"role":")", role, R"(","content":[)", blocks, "]}");
  return Read(Whole(role == "user" ? message : absl::StrCat(kUser, ",", message, ",", kUser)));
}

TEST(AnthropicRequest, BecomesAPromptOfOneMessageForEachResult) {
  const std::string body = Whole(
      absl::StrCat(kUser, ",", kCall, ",",
                   R"({"role":"user","content":[{"type":"tool_result","tool_use_id":"a",)"
                   R"("content":[{"type":"text","text":"12:00"}]},{"type":"text","text":"so?"}]})"),
      R"(,"system":[{"type":"text","text":"Be brief."}],"stop_sequences":["x"],"stream":true)");
  boost::json::value document;
  Prompt prompt;

  ASSERT_FALSE(ReadRequest(body, {}, document, prompt).has_value());

  ASSERT_THAT(prompt.messages, SizeIs(5));
  EXPECT_EQ(prompt.messages[0].role, "system");
  EXPECT_THAT(prompt.messages[0].parts, ElementsAre("Be brief."));
  EXPECT_EQ(prompt.messages[2].calls[0].arguments, R"({"z":1})");
  EXPECT_EQ(prompt.messages[3].role, "tool");
  EXPECT_EQ(prompt.messages[3].tool_call_id, "a");
  EXPECT_THAT(prompt.messages[3].parts, ElementsAre("12:00"));
  EXPECT_EQ(prompt.Newest().said, "so?");
  EXPECT_THAT(prompt.stop, ElementsAre("x"));
  EXPECT_EQ(prompt.max_tokens, 2048);
  EXPECT_TRUE(prompt.stream);
}

TEST(AnthropicRequest, CountsAnImageAs1600Tokens) {
  const auto tokens = [](absl::string_view blocks) {
    boost::json::value document;
    Prompt prompt;
    const std::string body = Whole(absl::StrCat(R"({"role":"user","content":[)", blocks, "]}"));
    EXPECT_FALSE(ReadRequest(body, {}, document, prompt).has_value());
    return prompt.Tokens();
  };
  constexpr absl::string_view kText = R"({"type":"text","text":"12345678"})";
  constexpr absl::string_view kImage =
      R"({"type":"image","source":{"type":"url","url":"https://example.org/a.png"}})";

  EXPECT_EQ(tokens(kText), 5);
  EXPECT_EQ(tokens(absl::StrCat(kImage, ",", kText)), 1605);
}

TEST(AnthropicRequest, IsRefusedByItsFields) {
  EXPECT_THAT(Read("{"), HasSubstr("not valid JSON"));
  EXPECT_EQ(Read(R"({"model":"m","messages":[]})"), "max_tokens: Field required");
  EXPECT_EQ(Read(R"({"model":"m","max_tokens":1})"), "messages: Field required");
  EXPECT_EQ(Read(R"({"max_tokens":1,"messages":[]})"), "model: Field required");
  EXPECT_EQ(Read(Whole("")), "messages: at least one message is required");
  EXPECT_EQ(With(R"(,"n":1)"), "n: Extra inputs are not permitted");
  EXPECT_EQ(With(R"(,"stream":"yes")"), "stream: Input should be a valid boolean");
  EXPECT_EQ(With(R"(,"temperature":1.5)"), "temperature: Input should be less than or equal to 1");
  EXPECT_EQ(With(R"(,"top_k":-1)"), "top_k: Input should be greater than or equal to 0");
  EXPECT_EQ(With(R"(,"stop_sequences":[" "])"),
            "stop_sequences: each stop sequence must contain non-whitespace");
  EXPECT_EQ(With(R"(,"metadata":{"name":"Ada"})"), "metadata.name: Extra inputs are not permitted");
  EXPECT_EQ(With(R"(,"service_tier":"fast")"),
            "service_tier: Input should be 'auto' or 'standard_only'");
  EXPECT_THAT(With(R"(,"output_config":{"effort":"some"})"), HasSubstr("output_config.effort"));
  EXPECT_EQ(With(R"(,"output_config":{"format":{"type":"json_schema"}})"),
            "output_config.format.schema: Field required");
  EXPECT_EQ(
      With(R"(,"output_config":{"effort":"low","format":{"type":"json_schema","schema":{}}})"),
      "none");
}

TEST(AnthropicRequest, OfTheNewestVersionHasNeitherSamplingNorAPrefilledAnswer) {
  const Rules newest{.newest = true};
  const std::string prefilled =
      Whole(absl::StrCat(kUser, R"(,{"role":"assistant","content":"Well"})"));

  EXPECT_EQ(With(R"(,"temperature":0.5,"top_p":1,"top_k":3)"), "none");
  EXPECT_EQ(With(R"(,"temperature":0.5)", newest), "`temperature` is deprecated for this model.");
  EXPECT_EQ(With(R"(,"top_p":1)", newest), "`top_p` is deprecated for this model.");
  EXPECT_EQ(With(R"(,"top_k":3)", newest), "`top_k` is deprecated for this model.");
  EXPECT_EQ(Read(prefilled), "none");
  EXPECT_THAT(Read(prefilled, newest), HasSubstr("does not support assistant message prefill"));
}

TEST(AnthropicRequest, ThatCountsTokensHasNoBound) {
  const Rules counts{.counts_only = true};

  EXPECT_EQ(Read(absl::StrCat(R"({"model":"m","messages":[)", kUser, "]}"), counts), "none");
  EXPECT_EQ(Read(Whole(kUser), counts), "max_tokens: Extra inputs are not permitted");
}

TEST(AnthropicRequest, IsRefusedByTheRolesOfItsMessages) {
  EXPECT_EQ(Read(Whole(R"({"role":"tool","content":"x"})")),
            "messages.0.role: Input should be 'user', 'assistant' or 'system'");
  EXPECT_EQ(Read(Whole(R"({"role":"assistant","content":"x"})")),
            "messages: first message must use the \"user\" role");
  EXPECT_EQ(Read(Whole(R"({"role":"user","content":""})")),
            "messages.0: user messages must have non-empty content");
  EXPECT_EQ(Read(Whole(R"({"role":"user","content":[]})")),
            "messages.0: user messages must have non-empty content");
  EXPECT_EQ(Read(Whole(R"({"role":"user","name":"Ada","content":"x"})")),
            "messages.0.name: Extra inputs are not permitted");
}

TEST(AnthropicRequest, IsRefusedByItsBlocks) {
  EXPECT_EQ(Content(R"({"type":"text","text":""})"),
            "messages: text content blocks must be non-empty");
  EXPECT_EQ(Content(R"({"type":"text","text":" "})"),
            "messages: text content blocks must contain non-whitespace text");
  EXPECT_EQ(Content(R"({"type":"text","text":"x","tone":"dry"})"),
            "messages.0.content.0.tone: Extra inputs are not permitted");
  EXPECT_THAT(Content(R"({"type":"tool_use","id":"a","name":"b","input":{}})"),
              HasSubstr("messages.0.content.0: Input tag 'tool_use'"));
  EXPECT_THAT(Content(R"({"type":"audio"})"), HasSubstr("Input tag 'audio'"));
  EXPECT_EQ(Content(R"({"type":"tool_use","id":"a b","name":"b","input":{}})", "assistant"),
            "messages.1.content.0.id: String should match pattern '^[a-zA-Z0-9_-]+$'");
  EXPECT_EQ(Content(R"({"type":"tool_use","id":"a","name":"b","input":"{}"})", "assistant"),
            "messages.1.content.0.input: Input should be an object");
}

TEST(AnthropicRequest, IsRefusedByItsImages) {
  const auto image = [](absl::string_view source) {
    return Content(absl::StrCat(R"({"type":"image","source":)", source, "}"));
  };
  const auto base64 = [&](absl::string_view type, absl::string_view data) {
    return image(
        absl::StrCat(R"({"type":"base64","media_type":")", type, R"(","data":")", data, R"("})"));
  };

  EXPECT_EQ(base64("image/png", "iVBORw0KGgoAAAANSUhEUg=="), "none");
  EXPECT_EQ(base64("image/bmp", "iVBORw0KGgo="),
            "messages.0.content.0.source.media_type: Input should be 'image/jpeg', 'image/png', "
            "'image/gif' or 'image/webp'");
  EXPECT_EQ(base64("image/png", "iVBORw0KGgo"),
            "messages.0.content.0.source.data: Invalid base64 data");
  EXPECT_EQ(base64("image/png", "iVBO Rw0KGgo"),
            "messages.0.content.0.source.data: Invalid base64 data");
  EXPECT_THAT(base64("image/jpeg", "iVBORw0KGgoAAAANSUhEUg=="),
              HasSubstr("image/jpeg media type, but the image appears to be a image/png image"));
  EXPECT_THAT(base64("image/png", std::string(5 * 1024 * 1024 + 4, 'A')),
              HasSubstr("image exceeds 5 MB maximum"));
  EXPECT_EQ(image(R"({"type":"url","url":"https://example.org/a.png"})"), "none");
  EXPECT_THAT(image(R"({"type":"url","url":"http://example.org/a.png"})"),
              HasSubstr("Only HTTPS URLs are supported."));
  EXPECT_THAT(image(R"({"type":"file"})"), HasSubstr("source.type"));
}

TEST(AnthropicRequest, IsRefusedWhenCallsAndResultsAreNotPaired) {
  const auto history = [](absl::string_view rest) {
    return Read(Whole(absl::StrCat(kUser, ",", rest)));
  };
  constexpr absl::string_view kTwoCalls =
      R"({"role":"assistant","content":[{"type":"tool_use","id":"a","name":"c","input":{}},)"
      R"({"type":"tool_use","id":"b","name":"c","input":{}}]})";

  EXPECT_EQ(history(absl::StrCat(kCall, ",", kResult)), "none");
  EXPECT_THAT(history(absl::StrCat(kTwoCalls, ",", kResult)),
              HasSubstr("messages.1: `tool_use` ids were found without `tool_result` blocks "
                        "immediately after: b."));
  EXPECT_THAT(history(absl::StrCat(kTwoCalls, ",", kResult, ",", kResult)), HasSubstr(": b."));
  EXPECT_THAT(history(kCall), HasSubstr("immediately after: a."));
  EXPECT_THAT(history(absl::StrCat(kCall, ",", kUser)), HasSubstr("immediately after: a."));
  EXPECT_THAT(
      history(absl::StrCat(kCall, R"(,{"role":"user","content":[{"type":"text","text":"x"},)",
                           R"({"type":"tool_result","tool_use_id":"a"}]})")),
      HasSubstr("immediately after: a."));
  EXPECT_THAT(history(kResult), HasSubstr("messages.1: unexpected `tool_use_id` found in"));
  EXPECT_THAT(history(absl::StrCat(
                  kCall, R"(,{"role":"user","content":[{"type":"tool_result","tool_use_id":"a"},)",
                  R"({"type":"tool_result","tool_use_id":"a"}]})")),
              HasSubstr("each tool_use must have a single result"));
  EXPECT_THAT(history(absl::StrCat(kCall, ",", kResult, ",", kCall, ",", kResult)),
              HasSubstr("ids must be unique, found twice: a"));
}

TEST(AnthropicRequest, IsRefusedByItsTools) {
  const auto tools = [](absl::string_view list, absl::string_view more = "") {
    return With(absl::StrCat(R"(,"tools":[)", list, "]", more));
  };
  constexpr absl::string_view kClock = R"({"name":"clock","input_schema":{"type":"object"}})";

  EXPECT_EQ(tools(kClock), "none");
  EXPECT_EQ(tools(R"({"input_schema":{"type":"object"}})"), "tools.0.name: Field required");
  EXPECT_THAT(tools(R"({"name":"a b","input_schema":{"type":"object"}})"),
              HasSubstr("tools.0.name: String should match pattern"));
  EXPECT_EQ(tools(R"({"name":"a"})"), "tools.0.input_schema: Field required");
  EXPECT_EQ(tools(R"({"name":"a","input_schema":{"type":"array"}})"),
            "tools.0.input_schema.type: Input should be 'object'");
  EXPECT_EQ(tools(R"({"name":"a","parameters":{}})"),
            "tools.0.parameters: Extra inputs are not permitted");
  EXPECT_EQ(tools(R"({"type":"web_search_20250305","name":"w"})"),
            "tools.0.type: Input should be 'custom'");
  EXPECT_EQ(tools(absl::StrCat(kClock, ",", kClock)), "tools: Tool names must be unique.");
  EXPECT_EQ(tools(kClock, R"(,"tool_choice":{"type":"tool","name":"x"})"),
            "tool_choice: Tool 'x' not found in provided tools");
  EXPECT_EQ(tools(kClock, R"(,"tool_choice":"auto")"), "tool_choice: Input should be an object");
  EXPECT_EQ(With(R"(,"tool_choice":{"type":"auto"})"),
            "tool_choice: may only be specified while providing tools");
  EXPECT_EQ(tools(kClock, R"(,"tool_choice":{"type":"any","disable_parallel_tool_use":true})"),
            "none");
}

TEST(AnthropicRequest, IsRefusedByItsCacheMarks) {
  const auto block = [](absl::string_view ttl) {
    return absl::StrCat(R"({"type":"text","text":"x","cache_control":{"type":"ephemeral","ttl":")",
                        ttl, R"("}})");
  };
  const std::string five = block("5m");

  EXPECT_EQ(Content(absl::StrCat(block("1h"), ",", five, ",", five, ",", five)), "none");
  EXPECT_THAT(Content(absl::StrCat(five, ",", five, ",", five, ",", five, ",", five)),
              HasSubstr("A maximum of 4 blocks with cache_control may be provided. Found 5."));
  EXPECT_THAT(Content(absl::StrCat(five, ",", block("1h"))),
              HasSubstr("a ttl='1h' cache_control block must not come after a ttl='5m'"));
  EXPECT_THAT(Content(block("2h")), HasSubstr("cache_control.ttl: Input should be '5m' or '1h'"));
  EXPECT_EQ(With(R"(,"cache_control":{"type":"persistent"})"),
            "cache_control.type: Input should be 'ephemeral'");
}

}  // namespace
}  // namespace penstock::providersim::anthropic
