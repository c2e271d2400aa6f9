#include "services/provider_adapter/anthropic/messages.h"

#include <string>

#include <gmock/gmock.h>
#include <google/protobuf/text_format.h>
#include <gtest/gtest.h>

#include "services/provider_adapter/json_text.h"

#include "absl/strings/str_cat.h"

namespace penstock::provider_adapter {
namespace {

using provider::v1::GenerateRequest;
using testing::Contains;
using testing::HasSubstr;
using testing::Not;

GenerateRequest Request(const std::string& text) {
  GenerateRequest request;
  EXPECT_TRUE(google::protobuf::TextFormat::ParseFromString(text, &request));
  request.mutable_generation()->set_max_output_tokens(7);
  return request;
}

constexpr char kAsk[] = "messages { role: USER parts { text { text: 'x' } } } ";
const ModelTerms kNoCache{.model = "p/m", .refuses = {}, .prompt_cache = false};

std::string Body(const std::string& text) {
  const auto body = AnthropicMessages().Body("claude", kNoCache, Request(text));
  EXPECT_TRUE(body.ok()) << body.status();
  EXPECT_TRUE(IsJsonObject(*body)) << *body;
  return *body;
}

std::string RefusalOf(const std::string& text) {
  return std::string(
      AnthropicMessages().Body("claude", kNoCache, Request(text)).status().message());
}

TEST(AnthropicRequest, SendsOnlyWhatIsSet) {
  EXPECT_EQ(Body(R"pb(
              messages {
                role: SYSTEM
                parts { text { text: "Be \"brief\"." } }
              }
              messages {
                role: USER
                parts { text { text: "a\n\x01" } }
              })pb"),
            R"({"model":"claude","max_tokens":7,"system":[{"type":"text","text":"Be \"brief\"."}],)"
            R"("messages":[{"role":"user","content":[{"type":"text","text":"a\n\u0001"}]}],)"
            R"("stream":true})");
}

TEST(AnthropicRequest, SendsAllThatTheApiHas) {
  const std::string body = Body(absl::StrCat(kAsk, R"pb(
    generation {
      temperature: 0.7
      top_p: 1
      stop: "a"
      stop: "b"
      seed: -3
      presence_penalty: -0.5
      frequency_penalty: 2
      response_format { json_schema { name: "n" schema: "{ \"type\":\"object\" }" strict: true } }
    })pb"));

  EXPECT_THAT(body, HasSubstr(R"("x"}]}],"temperature":0.7,"top_p":1,"stop_sequences":["a","b"],)"
                              R"("output_config":{"format":{"type":"json_schema","schema":)"
                              R"({ "type":"object" }}},"stream":true})"));
}

TEST(AnthropicRequest, SendsATemperatureAboveOneAsOne) {
  EXPECT_THAT(Body(absl::StrCat(kAsk, "generation { temperature: 1.4 }")),
              HasSubstr(R"("temperature":1,)"));
}

TEST(AnthropicRequest, SendsToolsAndTheChoice) {
  const auto body = [](const std::string& choice) {
    return Body(absl::StrCat(kAsk, R"pb(
                               tools {
                                 name: "scales"
                                 description: "Weighs"
                                 parameters: "{ \"n\":9007199254740993 }"
                                 strict: true
                               }
                               tools { name: "clock" }
                               generation { tool_choice {)pb",
                             choice, " } }"));
  };

  EXPECT_THAT(body(""),
              HasSubstr(R"("tools":[{"name":"scales","description":"Weighs",)"
                        R"("input_schema":{ "n":9007199254740993 },"strict":true},)"
                        R"({"name":"clock","input_schema":{"type":"object"}}],"messages")"));
  EXPECT_THAT(body("mode: AUTO"), HasSubstr(R"("tool_choice":{"type":"auto"},)"));
  EXPECT_THAT(body("mode: NONE"), HasSubstr(R"("tool_choice":{"type":"none"},)"));
  EXPECT_THAT(body("mode: REQUIRED"), HasSubstr(R"("tool_choice":{"type":"any"},)"));
  EXPECT_THAT(body("tool: 'clock' mode: NONE"),
              HasSubstr(R"("tool_choice":{"type":"tool","name":"clock"},)"));
  EXPECT_THAT(Body(absl::StrCat(kAsk, "generation { tool_choice { mode: REQUIRED } }")),
              Not(HasSubstr("tool")));
}

TEST(AnthropicRequest, DeclaresToolsThatWereCalledBefore) {
  EXPECT_THAT(Body(absl::StrCat(kAsk, R"pb(
                messages {
                  role: ASSISTANT
                  parts { tool_call { id: "a" name: "clock" } }
                  parts { tool_call { id: "b" name: "clock" } }
                }
                messages {
                  role: TOOL
                  parts { tool_result { tool_call_id: "a" content: "1" } }
                  parts { tool_result { tool_call_id: "b" content: "2" } }
                })pb")),
              HasSubstr(R"("tools":[{"name":"clock","input_schema":{"type":"object"}}],)"
                        R"("tool_choice":{"type":"none"},)"));
}

TEST(AnthropicRequest, SendsImages) {
  EXPECT_THAT(Body(R"pb(
                messages {
                  role: USER
                  parts { image { media_type: "image/png" data: "\211PNG" } }
                  parts { image { url: "https://h/a.jpg" } }
                })pb"),
              HasSubstr(R"([{"type":"image","source":{"type":"base64","media_type":"image/png",)"
                        R"("data":"iVBORw=="}},{"type":"image","source":{"type":"url",)"
                        R"("url":"https://h/a.jpg"}}])"));
}

TEST(AnthropicRequest, RefusesWhatItCannotSay) {
  GenerateRequest unbounded = Request(kAsk);
  unbounded.clear_generation();
  EXPECT_THAT(
      std::string(AnthropicMessages().Body("claude", kNoCache, unbounded).status().message()),
      HasSubstr("generation.max_output_tokens: found none"));
  EXPECT_THAT(RefusalOf(absl::StrCat(kAsk, "generation { response_format { json_object {} } }")),
              HasSubstr("generation.response_format: found json_object, allowed with Anthropic"));
  EXPECT_THAT(RefusalOf(absl::StrCat(
                  kAsk, "generation { response_format { json_schema { schema: '[]' } } }")),
              HasSubstr("generation.response_format.json_schema.schema"));
  EXPECT_THAT(RefusalOf(absl::StrCat(kAsk, "generation { stop: 'a' stop: ' \\n' }")),
              HasSubstr("generation.stop[1]"));
  EXPECT_THAT(RefusalOf(absl::StrCat(kAsk, "generation { top_p: inf }")),
              HasSubstr("generation.top_p"));
  EXPECT_THAT(RefusalOf("messages { role: SYSTEM parts { text { text: 'x' } } }"),
              HasSubstr("messages: found no text"));
  EXPECT_THAT(RefusalOf("messages { role: USER parts { image { media_type: 'image/bmp' data: 'x' } "
                        "} }"),
              HasSubstr("messages[0].parts[0].image.media_type: found image/bmp"));
  EXPECT_THAT(RefusalOf("messages { role: USER parts { image { url: 'http://h/a' } } }"),
              HasSubstr("messages[0].parts[0].image.url"));
  EXPECT_THAT(RefusalOf("messages { role: USER parts { image {} } }"),
              HasSubstr("messages[0].parts[0].image: found neither"));
  EXPECT_THAT(RefusalOf("messages { role: ASSISTANT parts { image { url: 'https://h/a' } } }"),
              HasSubstr("messages[0].parts[0]: found an image"));
}

TEST(AnthropicRequest, LeavesOutWhatTheModelRefuses) {
  ModelTerms terms = kNoCache;
  terms.refuses.temperature = true;
  terms.refuses.tools = true;
  const auto body = [&](const std::string& text) {
    return AnthropicMessages().Body("claude", terms, Request(absl::StrCat(kAsk, text)));
  };

  EXPECT_THAT(*body("generation { temperature: 1 top_p: 1 }"),
              testing::AllOf(Not(HasSubstr("temperature")), HasSubstr(R"("top_p":1)")));
  EXPECT_THAT(std::string(body("tools { name: 't' }").status().message()),
              HasSubstr("tools: found 1, allowed none: model p/m refuses tools"));
}

TEST(AnthropicRequest, KnowsItsAddressAndHeaders) {
  const AnthropicMessages protocol;

  EXPECT_EQ(protocol.Url("https://api.anthropic.com/v1"), "https://api.anthropic.com/v1/messages");
  EXPECT_EQ(protocol.Url("http://h/v1/"), "http://h/v1/messages");
  EXPECT_THAT(protocol.Headers("k"), Contains("x-api-key: k"));
  EXPECT_THAT(protocol.Headers("k"), Contains("anthropic-version: 2023-06-01"));
  EXPECT_EQ(protocol.Headers("").size(), 3u);
  EXPECT_THAT(AnthropicMessages({.bearer_key = true}).Headers("k"),
              testing::AllOf(Contains("Authorization: Bearer k"), Not(Contains("x-api-key: k"))));
}

}  // namespace
}  // namespace penstock::provider_adapter
