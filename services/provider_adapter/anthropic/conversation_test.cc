#include "services/provider_adapter/anthropic/conversation.h"

#include <string>
#include <vector>

#include <boost/json/serialize.hpp>
#include <boost/json/value.hpp>
#include <gmock/gmock.h>
#include <google/protobuf/text_format.h>
#include <gtest/gtest.h>

#include "services/provider_adapter/json_text.h"

#include "absl/strings/str_cat.h"

namespace penstock::provider_adapter {
namespace {

using boost::json::value;
using provider::v1::GenerateRequest;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::StartsWith;

// One block in short: "text:hello", "call:a", "result:a", "error:a", "thinking", "image"; a cache
// mark is a star behind it.
std::string Describe(const value& block) {
  const absl::string_view type = StringMember(&block, "type");
  std::string line(type);
  if (type == "text") line = absl::StrCat("text:", StringMember(&block, "text"));
  if (type == "tool_use") line = absl::StrCat("call:", StringMember(&block, "id"));
  if (type == "tool_result") {
    line = absl::StrCat(Member(&block, "is_error") != nullptr ? "error:" : "result:",
                        StringMember(&block, "tool_use_id"));
  }
  return absl::StrCat(line, Member(&block, "cache_control") != nullptr ? "*" : "");
}

std::string Describe(const value* blocks, absl::string_view who) {
  std::string line(who);
  if (blocks == nullptr) return line;
  for (const value& block : blocks->as_array()) absl::StrAppend(&line, " ", Describe(block));
  return line;
}

// A line for each message; before them one of the instructions and one of the tools, if there are.
std::vector<std::string> Talk(const std::string& text, bool prompt_cache = false) {
  GenerateRequest request;
  EXPECT_TRUE(google::protobuf::TextFormat::ParseFromString(text, &request));
  std::string json = "{\"x\":1";
  const absl::Status status = AppendConversation(json, request, prompt_cache);
  json.push_back('}');
  if (!status.ok()) return {std::string(status.message())};
  std::vector<std::string> lines;
  EXPECT_TRUE(WithJson(json, [&](const value& body) {
    if (const value* tools = Member(&body, "tools")) {
      const bool mark = Member(&tools->as_array().back(), "cache_control") != nullptr;
      lines.push_back(absl::StrCat("tools ", tools->as_array().size(), mark ? "*" : ""));
    }
    if (const value* system = Member(&body, "system")) lines.push_back(Describe(system, "system"));
    for (const value& message : Member(&body, "messages")->as_array()) {
      lines.push_back(Describe(Member(&message, "content"), StringMember(&message, "role")));
    }
  })) << json;
  return lines;
}

std::string Said(const std::string& role, const std::string& text) {
  return absl::StrCat("messages { role: ", role, " parts { text { text: '", text, "' } } } ");
}
std::string Called(const std::string& ids) {
  std::string parts;
  for (const char id : ids) {
    absl::StrAppend(&parts, "parts { tool_call { id: '", std::string(1, id), "' name: 'n' } } ");
  }
  return absl::StrCat("messages { role: ASSISTANT ", parts, "} ");
}
std::string Answered(const std::string& ids) {
  std::string parts;
  for (const char id : ids) {
    absl::StrAppend(&parts, "parts { tool_result { tool_call_id: '", std::string(1, id), "' } } ");
  }
  return absl::StrCat("messages { role: TOOL ", parts, "} ");
}
constexpr char kThought[] = R"pb(
  messages {
    role: ASSISTANT
    parts {
      reasoning {
        text: "hm"
        state { protocol: "anthropic" data: "{\"type\":\"thinking\",\"signature\":\"s\"}" }
      }
    }
  }
)pb";
constexpr char kClocks[] = "tools { name: 'a' } tools { name: 'b' } ";

TEST(AnthropicConversation, TakesTurns) {
  EXPECT_THAT(
      Talk(Said("SYSTEM", "s1") + Said("SYSTEM", "s2") + Said("USER", "a") + Said("USER", "b") +
           Said("ASSISTANT", "c") + Said("ASSISTANT", "d") + Said("USER", "e")),
      ElementsAre("system text:s1 text:s2", "user text:a text:b", "assistant text:c text:d",
                  "user text:e"));
}

TEST(AnthropicConversation, BeginsWithTheUser) {
  EXPECT_THAT(Talk(Said("ASSISTANT", "a") + Said("USER", "b")),
              ElementsAre("user text:(The conversation began earlier.)", "assistant text:a",
                          "user text:b"));
}

TEST(AnthropicConversation, LeavesOutBlankText) {
  EXPECT_THAT(
      Talk(Said("SYSTEM", "") + Said("USER", "a") + Said("ASSISTANT", " ") + Said("USER", "b")),
      ElementsAre("user text:a text:b"));
}

TEST(AnthropicConversation, PutsTheResultsOfAStepIntoOneMessageInFrontOfText) {
  EXPECT_THAT(
      Talk(Said("USER", "u") + Called("ab") + Answered("b") + Answered("a") + Said("USER", "v")),
      ElementsAre(StartsWith("tools 1"), "user text:u", "assistant call:a call:b",
                  "user result:b result:a text:v"));
}

TEST(AnthropicConversation, AnswersACallThatWasNeverAnswered) {
  EXPECT_THAT(Talk(Said("USER", "u") + Called("ab") + Answered("b") + Said("USER", "v")),
              ElementsAre("tools 1", "user text:u", "assistant call:a call:b",
                          "user result:b error:a text:v"));
  EXPECT_THAT(Talk(Said("USER", "u") + Called("a")),
              ElementsAre("tools 1", "user text:u", "assistant call:a", "user error:a"));
  EXPECT_THAT(Talk(Said("USER", "u") + Called("a") + Called("b") + Answered("b")),
              ElementsAre("tools 1", "user text:u", "assistant call:a", "user error:a",
                          "assistant call:b", "user result:b"));
}

TEST(AnthropicConversation, RefusesAResultWithoutItsCall) {
  EXPECT_THAT(Talk(Said("USER", "u") + Answered("a")),
              ElementsAre(HasSubstr("messages[1].parts[0].tool_result.tool_call_id: found a")));
  EXPECT_THAT(Talk(Said("USER", "u") + Called("a") + Said("USER", "v") + Answered("a")),
              ElementsAre(HasSubstr("messages[3].parts[0]")));
}

TEST(AnthropicConversation, SendsThinkingBackAsItCameInItsPlace) {
  GenerateRequest request;
  ASSERT_TRUE(google::protobuf::TextFormat::ParseFromString(
      Said("USER", "u") + kThought + Called("a") + Answered("a"), &request));
  std::string json;

  ASSERT_TRUE(AppendConversation(json, request, false).ok());

  EXPECT_THAT(json,
              HasSubstr(R"({"role":"assistant","content":[{"type":"thinking","signature":"s"},)"
                        R"({"type":"tool_use","id":"a",)"));
}

TEST(AnthropicConversation, LeavesOutStateThatIsNotItsOwn) {
  EXPECT_THAT(Talk(Said("USER", "u") + R"pb(
                     messages {
                       role: ASSISTANT
                       parts { reasoning { text: "no state" } }
                       parts { reasoning { state { protocol: "openai" data: "{\"type\":\"x\"}" } } }
                       parts { reasoning { state { protocol: "anthropic" data: "no JSON" } } }
                       parts { opaque { protocol: "openai" data: "{\"type\":\"x\"}" } }
                       parts { opaque { protocol: "anthropic" data: "{\"type\":\"fallback\"}" } }
                       parts { text { text: "t" } }
                     })pb" +
                   Said("USER", "v")),
              ElementsAre("user text:u", "assistant fallback text:t", "user text:v"));
}

TEST(AnthropicConversation, LeavesOutThinkingAtTheEndOfAMessage) {
  EXPECT_THAT(Talk(Said("USER", "u") + kThought + Said("USER", "v")),
              ElementsAre("user text:u text:v"));
  EXPECT_THAT(Talk(Said("USER", "u") + Said("ASSISTANT", "t") + kThought + Said("USER", "v")),
              ElementsAre("user text:u", "assistant text:t", "user text:v"));
  EXPECT_THAT(Talk(Said("USER", "u") + Said("ASSISTANT", "t") + kThought),
              ElementsAre("user text:u", "assistant text:t"));
}

TEST(AnthropicConversation, MarksToolsAndInstructionsForTheCache) {
  EXPECT_THAT(Talk(kClocks + Said("SYSTEM", "s1") + Said("SYSTEM", "s2") + Said("USER", "u"), true),
              ElementsAre("tools 2", "system text:s1 text:s2*", "user text:u"));
  EXPECT_THAT(Talk(kClocks + Said("USER", "u"), true), ElementsAre("tools 2*", "user text:u"));
  EXPECT_THAT(Talk(Said("USER", "u"), true), ElementsAre("user text:u"));
}

TEST(AnthropicConversation, MarksTheHistoryInFrontOfTheNewestUserMessage) {
  EXPECT_THAT(
      Talk(Said("SYSTEM", "s") + Said("USER", "a") + Said("ASSISTANT", "b") + Said("USER", "notes"),
           true),
      ElementsAre("system text:s*", "user text:a", "assistant text:b*", "user text:notes"));
  EXPECT_THAT(Talk(Said("USER", "a") + Said("USER", "notes"), true),
              ElementsAre("user text:a* text:notes"));
  EXPECT_THAT(
      Talk(Said("USER", "u") + Called("a") + Said("USER", "notes"), true),
      ElementsAre("tools 1*", "user text:u", "assistant call:a", "user error:a* text:notes"));
}

TEST(AnthropicConversation, MarksATurnThatGoesOnAtItsEnd) {
  EXPECT_THAT(Talk(Said("USER", "a") + Said("ASSISTANT", "b") + Said("USER", "notes") +
                       Called("cd") + Answered("cd"),
                   true),
              ElementsAre("tools 1*", "user text:a", "assistant text:b*", "user text:notes",
                          "assistant call:c call:d", "user result:c result:d*"));
}

TEST(AnthropicConversation, PutsNoMarkOnWhatCannotHaveOne) {
  const std::string end_of_turn =
      "messages { role: ASSISTANT parts { opaque { protocol: 'anthropic' data: "
      "'{\"type\":\"fallback\"}' } } } ";

  EXPECT_THAT(
      Talk(Said("USER", "a") + Said("ASSISTANT", "b") + end_of_turn + Said("USER", "c"), true),
      ElementsAre("user text:a", "assistant text:b* fallback", "user text:c"));
}

}  // namespace
}  // namespace penstock::provider_adapter
