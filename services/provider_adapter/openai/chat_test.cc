#include "services/provider_adapter/openai/chat.h"

#include <string>
#include <vector>

#include <gmock/gmock.h>
#include <google/protobuf/text_format.h>
#include <gtest/gtest.h>

#include "services/provider_adapter/json_text.h"

#include "absl/strings/str_cat.h"

namespace penstock::provider_adapter {
namespace {

using chat::v1::Delta;
using provider::v1::GenerateRequest;
using testing::ElementsAre;
using testing::HasSubstr;

GenerateRequest Request(const std::string& text) {
  GenerateRequest request;
  EXPECT_TRUE(google::protobuf::TextFormat::ParseFromString(text, &request));
  return request;
}

constexpr char kTail[] =
    R"(,"stream":true,"stream_options":{"include_usage":true,"include_obfuscation":false}})";

TEST(OpenAiRequest, SendsOnlyWhatIsSet) {
  const auto body = OpenAiChat().Body("gpt-x", {}, Request(R"pb(
                                        messages {
                                          role: SYSTEM
                                          parts { text { text: "Be \"brief\"." } }
                                        }
                                        messages {
                                          role: USER
                                          parts { text { text: "a\n\t\x01" } }
                                        })pb"));

  ASSERT_TRUE(body.ok());
  EXPECT_EQ(*body, absl::StrCat(R"({"model":"gpt-x","messages":[)",
                                R"({"role":"system","content":"Be \"brief\"."},)",
                                R"({"role":"user","content":"a\n\u0009\u0001"}])", kTail));
}

TEST(OpenAiRequest, SendsAllThatIsSet) {
  const auto body = OpenAiChat().Body(
      "m", {}, Request(R"pb(
        messages {
          role: USER
          parts { text { text: "x" } }
        }
        generation {
          max_output_tokens: 7
          temperature: 0.7
          top_p: 1
          stop: "a"
          stop: "b"
          seed: -3
          presence_penalty: -0.5
          frequency_penalty: 2
          response_format { json_schema { name: "n" schema: "{\"type\":\"object\"}" strict: true } }
        })pb"));

  ASSERT_TRUE(body.ok());
  EXPECT_EQ(*body,
            absl::StrCat(R"({"model":"m","messages":[{"role":"user","content":"x"}],)",
                         R"("max_completion_tokens":7,"seed":-3,"temperature":0.7,"top_p":1,)",
                         R"("presence_penalty":-0.5,"frequency_penalty":2,"stop":["a","b"],)",
                         R"("response_format":{"type":"json_schema","json_schema":)",
                         R"({"name":"n","strict":true,"schema":{"type":"object"}}})", kTail));
  EXPECT_TRUE(WithJson(*body, [](const auto&) {}));
}

TEST(OpenAiRequest, KeepsPartsApartAndReasoningToItself) {
  const auto body = OpenAiChat().Body("m", {}, Request(R"pb(
                                        messages {
                                          role: ASSISTANT
                                          parts { reasoning { text: "hm" } }
                                          parts { refusal { text: "no" } }
                                        }
                                        messages {
                                          role: ASSISTANT
                                          parts { reasoning { text: "hm" } }
                                        }
                                        messages {
                                          role: USER
                                          parts { text { text: "notes" } }
                                          parts { text { text: "x" } }
                                        })pb"));

  ASSERT_TRUE(body.ok());
  EXPECT_THAT(*body, HasSubstr(R"([{"role":"assistant","content":"no"},{"role":"user","content":)"
                               R"([{"type":"text","text":"notes"},{"type":"text","text":"x"}]}])"));
}

TEST(OpenAiRequest, LeavesOutWhatTheModelRefuses) {
  ModelTerms terms{.model = "p/m"};
  terms.refuses.temperature = true;
  terms.refuses.stop = true;
  const std::string ask = "messages { role: USER parts { text { text: 'x' } } } ";
  const auto body = OpenAiChat().Body(
      "m", terms, Request(ask + "generation { temperature: 1 top_p: 1 stop: 'a' }"));

  ASSERT_TRUE(body.ok());
  EXPECT_THAT(*body, HasSubstr(absl::StrCat(R"("x"}],"top_p":1)", kTail)));
  terms.refuses.tools = true;
  EXPECT_THAT(
      std::string(
          OpenAiChat().Body("m", terms, Request(ask + "tools { name: 't' }")).status().message()),
      HasSubstr("tools: found 1, allowed none: model p/m refuses tools"));
}

TEST(OpenAiRequest, FollowsTheQuirksOfItsParameters) {
  const auto body = [](const Quirks& quirks) {
    return *OpenAiChat(quirks).Body(
        "m", {},
        Request("messages { role: USER parts { text { text: 'x' } } } generation { "
                "max_output_tokens: 7 }"));
  };

  EXPECT_THAT(body({.max_tokens = true}), HasSubstr(R"("x"}],"max_tokens":7,"stream":true,)"));
  EXPECT_THAT(body({.no_stream_options = true}), testing::EndsWith(R"(:7,"stream":true})"));
  EXPECT_THAT(body({.no_obfuscation_option = true}),
              testing::EndsWith(R"("stream":true,"stream_options":{"include_usage":true}})"));
}

TEST(OpenAiRequest, RefusesWhatItCannotSay) {
  const OpenAiChat protocol;
  const auto message = [&](const std::string& text) {
    return std::string(protocol.Body("m", {}, Request(text)).status().message());
  };

  EXPECT_THAT(message(""), HasSubstr("messages"));
  EXPECT_THAT(message("messages { parts { text { text: 'x' } } }"), HasSubstr("messages[0].role"));
  EXPECT_THAT(
      message("messages { role: USER parts { text { text: 'x' } } } generation { top_p: nan }"),
      HasSubstr("generation.top_p"));
  EXPECT_THAT(message("messages { role: USER parts { text { text: 'x' } } } generation { "
                      "response_format { json_schema { schema: '{},\"n\":1' } } }"),
              HasSubstr("generation.response_format.json_schema.schema"));
}

TEST(OpenAiRequest, KnowsItsAddressAndHeaders) {
  const OpenAiChat protocol;

  EXPECT_EQ(protocol.Url("https://api.openai.com/v1"),
            "https://api.openai.com/v1/chat/completions");
  EXPECT_EQ(protocol.Url("http://h/v1/"), "http://h/v1/chat/completions");
  EXPECT_THAT(protocol.Headers("k"), testing::Contains("Authorization: Bearer k"));
  EXPECT_EQ(protocol.Headers("").size(), 2u);
  EXPECT_THAT(OpenAiChat({.api_key_header = true}).Headers("k"), testing::Contains("api-key: k"));
}

// Writes down what the parser finds: "TEXT hello", "USAGE 1/2", "FINISH STOP", "END", "ERROR …".
class Notes : public AnswerSink {
 public:
  void OnText(Delta::Kind kind, absl::string_view text) override {
    const std::string name = absl::StrCat(Delta::Kind_Name(kind), " ");
    if (!lines.empty() && lines.back().rfind(name, 0) == 0) {
      absl::StrAppend(&lines.back(), text);
    } else {
      lines.push_back(absl::StrCat(name, text));
    }
  }
  void OnToolCall(absl::string_view id, absl::string_view name) override {
    lines.push_back(absl::StrCat("CALL ", id, " ", name));
  }
  void OnToolArguments(size_t call, absl::string_view json) override {
    lines.push_back(absl::StrCat("ARGUMENTS ", call, " ", json));
  }
  void OnReasoningState(chat::v1::Opaque) override { lines.push_back("STATE"); }
  void OnOpaque(chat::v1::Opaque) override { lines.push_back("OPAQUE"); }
  void OnHeld(size_t) override {}
  void OnUsage(const chat::v1::Usage& usage) override {
    lines.push_back(absl::StrCat("USAGE ", usage.ShortDebugString()));
  }
  void OnFinish(chat::v1::FinishReason reason) override {
    lines.push_back(absl::StrCat("FINISH ", chat::v1::FinishReason_Name(reason)));
  }
  void OnEnd() override { lines.push_back("END"); }
  void OnError(const ProviderError& error) override {
    lines.push_back(absl::StrCat("ERROR ", error.type));
  }
  void OnUnusable(chat::v1::ErrorKind kind, absl::string_view what) override {
    lines.push_back(absl::StrCat(chat::v1::ErrorKind_Name(kind), " ", what));
  }

  std::vector<std::string> lines;
};

std::vector<std::string> ReadEvent(absl::string_view data) {
  Notes notes;
  OpenAiChat().NewParser()->OnEvent({.type = "message", .data = data, .id = ""}, notes);
  return notes.lines;
}

std::vector<std::string> ReadDocument(absl::string_view json) {
  Notes notes;
  OpenAiChat().NewParser()->OnDocument(json, notes);
  return notes.lines;
}

TEST(OpenAiAnswer, ReadsAWholeAnswer) {
  EXPECT_THAT(ReadDocument(R"({"object":"x"})"),
              testing::Contains(HasSubstr("MALFORMED_RESPONSE")));
  EXPECT_THAT(ReadDocument("<html>"), ElementsAre("MALFORMED_RESPONSE the answer is not JSON"));
  EXPECT_THAT(ReadDocument(R"({"error":{"type":"t"}})"), ElementsAre("ERROR t", "END"));
}

TEST(OpenAiAnswer, ToleratesWhatIsEmptyOrUnknown) {
  for (const char* data :
       {"{}", R"({"choices":[]})", R"({"choices":null})", R"({"choices":[{}]})",
        R"({"choices":[{"delta":{}}]})", R"({"choices":[{"delta":null,"finish_reason":null}]})",
        R"({"choices":[{"delta":{"content":null,"tool_calls":[]}}],"usage":null,"new":[1]})",
        R"({"choices":[{"index":1,"delta":{"content":"other"},"finish_reason":"stop"}]})",
        R"({"error":null,"timings":{}})", "  "}) {
    EXPECT_THAT(ReadEvent(data), testing::IsEmpty()) << data;
  }
}

TEST(OpenAiAnswer, CannotUseWhatIsNoJsonObject) {
  for (const char* data : {"x", "{", "[1]", "7", "{\"a\":\"\\ud800\"}"}) {
    EXPECT_THAT(ReadEvent(data), ElementsAre(HasSubstr("MALFORMED_RESPONSE"))) << data;
  }
}

TEST(OpenAiAnswer, KnowsFinishReasonsByManyNames) {
  const auto read = [](absl::string_view reason) {
    return ReadEvent(absl::StrCat(R"({"choices":[{"finish_reason":")", reason, "\"}]}")).at(0);
  };

  EXPECT_EQ(read("stop"), "FINISH STOP");
  EXPECT_EQ(read("eos_token"), "FINISH STOP");
  EXPECT_EQ(read("length"), "FINISH LENGTH");
  EXPECT_EQ(read("content_filter"), "FINISH CONTENT_FILTER");
  EXPECT_THAT(read("error"), HasSubstr("PROVIDER_INTERNAL"));
  EXPECT_EQ(read("tool_calls"), "FINISH TOOL_CALLS");
  EXPECT_EQ(read("function_call"), "FINISH TOOL_CALLS");
}

}  // namespace
}  // namespace penstock::provider_adapter
