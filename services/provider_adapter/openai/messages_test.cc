#include "services/provider_adapter/openai/messages.h"

#include <string>

#include <gmock/gmock.h>
#include <google/protobuf/text_format.h>
#include <gtest/gtest.h>

#include "services/provider_adapter/json_text.h"

#include "absl/strings/str_cat.h"

namespace penstock::provider_adapter {
namespace {

using testing::HasSubstr;
using testing::Not;

provider::v1::GenerateRequest Request(const std::string& text) {
  provider::v1::GenerateRequest request;
  EXPECT_TRUE(google::protobuf::TextFormat::ParseFromString(text, &request));
  return request;
}

// The elements of "messages".
std::string Messages(const std::string& text, const Quirks& quirks = {}) {
  std::string json;
  const absl::Status status = AppendMessages(json, quirks, Request(text));
  EXPECT_TRUE(status.ok()) << status;
  EXPECT_TRUE(IsJsonObject(absl::StrCat("{\"x\":1", json, "}"))) << json;
  constexpr absl::string_view kHead = R"(,"messages":[)";
  EXPECT_EQ(json.substr(0, kHead.size()), kHead);
  return json.substr(kHead.size(), json.size() - kHead.size() - 1);
}

TEST(OpenAiMessages, SendImagesBesideText) {
  EXPECT_EQ(Messages(R"pb(
              messages {
                role: USER
                parts { text { text: "What is it?" } }
                parts { image { media_type: "image/png" data: "\211PNG" } }
                parts { image { url: "https://h/a.jpg" } }
              })pb"),
            R"({"role":"user","content":[{"type":"text","text":"What is it?"},)"
            R"({"type":"image_url","image_url":{"url":"data:image/png;base64,iVBORw=="}},)"
            R"({"type":"image_url","image_url":{"url":"https://h/a.jpg"}}]})");
}

TEST(OpenAiMessages, SendAnImageAlone) {
  EXPECT_THAT(Messages("messages { role: USER parts { image { url: 'https://h/a' } } }"),
              HasSubstr(R"("content":[{"type":"image_url",)"));
}

TEST(OpenAiMessages, LeaveOutStateOfOtherProtocols) {
  const std::string messages = Messages(R"pb(
    messages {
      role: ASSISTANT
      parts {
        reasoning {
          text: "hm"
          state { protocol: "anthropic" data: "{}" }
        }
      }
      parts { opaque { protocol: "anthropic" data: "{}" } }
      parts { text { text: "Yes." } }
    })pb");

  EXPECT_EQ(messages, R"({"role":"assistant","content":"Yes."})");
}

TEST(OpenAiMessages, AnswerACallThatWasNeverAnswered) {
  const std::string messages = Messages(R"pb(
    messages {
      role: ASSISTANT
      parts { tool_call { id: "a" name: "n" } }
      parts { tool_call { id: "b" name: "n" } }
    }
    messages {
      role: TOOL
      parts { tool_result { tool_call_id: "b" content: "1" } }
    }
    messages {
      role: USER
      parts { text { text: "So?" } }
    })pb");

  EXPECT_THAT(messages, HasSubstr(R"({"role":"tool","tool_call_id":"b","content":"1"},)"
                                  R"({"role":"tool","tool_call_id":"a","content":"Error: no )"
                                  R"(result"},{"role":"user","content":"So?"})"));
}

TEST(OpenAiMessages, FitTheIdsOfOtherProviders) {
  const std::string turn =
      absl::StrCat("messages { role: ASSISTANT parts { tool_call { id: '", std::string(46, 'x'),
                   "' name: 'n' } } } messages { role: TOOL parts { tool_result { tool_call_id: '",
                   std::string(46, 'x'), "' content: '1' } } }");

  EXPECT_THAT(Messages(turn),
              testing::MatchesRegex(R"re(.*"id":"call_[0-9a-f]{16}".*"tool_call_id":"call_.*)re"));
  EXPECT_THAT(Messages(turn), Not(HasSubstr("xxx")));
  EXPECT_THAT(Messages(turn, {.tool_call_ids_of_nine = true}),
              testing::MatchesRegex(R"(.*"tool_call_id":"[0-9A-Za-z]{9}".*)"));
}

TEST(OpenAiMessages, WrapArgumentsThatAreNoObject) {
  EXPECT_THAT(
      Messages("messages { role: ASSISTANT parts { tool_call { id: 'a' name: 'n' arguments: "
               "'[1]' } } }"),
      HasSubstr(R"("arguments":"{\"invalid_json\":\"[1]\"}")"));
}

constexpr char kTalk[] = R"pb(
  messages {
    role: SYSTEM
    parts { text { text: "Be brief." } }
  }
  messages {
    role: USER
    parts { text { text: "notes" } }
    parts { text { text: "What time is it?" } }
  }
  messages {
    role: ASSISTANT
    parts { reasoning { text: "The clock." } }
    parts { tool_call { id: "call_1" name: "clock" } }
  }
  messages {
    role: TOOL
    parts { tool_result { tool_call_id: "call_1" content: "12:00" } }
  }
)pb";

TEST(OpenAiMessages, FollowTheQuirksOfRoles) {
  EXPECT_THAT(Messages(kTalk, {.system_as_developer = true}),
              testing::StartsWith(R"({"role":"developer","content":"Be brief."},)"));
  EXPECT_THAT(Messages(kTalk, {.system_in_user = true}),
              testing::StartsWith(R"({"role":"user","content":[{"type":"text","text":"Be brief."},)"
                                  R"({"type":"text","text":"notes"},)"));
  EXPECT_EQ(
      Messages("messages { role: SYSTEM parts { text { text: 'x' } } }", {.system_in_user = true}),
      R"({"role":"user","content":"x"})");
}

TEST(OpenAiMessages, FollowTheQuirksOfContent) {
  EXPECT_THAT(Messages(kTalk, {.text_content = true}),
              HasSubstr(R"({"role":"user","content":"notes\n\nWhat time is it?"})"));
  EXPECT_THAT(Messages(kTalk, {.system_in_user = true, .text_content = true}),
              HasSubstr(R"({"role":"user","content":"Be brief.\n\nnotes\n\nWhat time is it?"})"));
  EXPECT_THAT(Messages(kTalk, {.no_null_content = true}),
              HasSubstr(R"({"role":"assistant","content":"","tool_calls")"));
}

TEST(OpenAiMessages, SendReasoningBackOnlyWhereItIsWanted) {
  EXPECT_THAT(Messages(kTalk), Not(HasSubstr("The clock.")));
  EXPECT_THAT(Messages(kTalk, {.reasoning_content_back = true}),
              HasSubstr(R"("content":null,"reasoning_content":"The clock.","tool_calls")"));
}

}  // namespace
}  // namespace penstock::provider_adapter
