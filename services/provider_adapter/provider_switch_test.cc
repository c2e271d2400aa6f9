// One conversation, whoever made its steps, is valid for either provider. The rules that are
// checked here are the providers' own (reference/providers.md 1.1 and 1.4), not read out of the
// builders.
#include <algorithm>
#include <set>
#include <string>
#include <vector>

#include <boost/json/value.hpp>
#include <gmock/gmock.h>
#include <google/protobuf/text_format.h>
#include <gtest/gtest.h>
#include <rapidcheck.h>

#include "services/provider_adapter/anthropic/messages.h"
#include "services/provider_adapter/json_text.h"
#include "services/provider_adapter/openai/chat.h"

#include "absl/strings/ascii.h"
#include "absl/strings/str_cat.h"

namespace penstock::provider_adapter {
namespace {

using boost::json::value;
using chat::v1::Message;
using provider::v1::GenerateRequest;
using Offences = std::vector<std::string>;

bool IsAnthropicId(const std::string& id) {
  return !id.empty() && std::all_of(id.begin(), id.end(), [](unsigned char c) {
    return absl::ascii_isalnum(c) || c == '_' || c == '-';
  });
}

std::string TypeOf(const value& block) { return std::string(StringMember(&block, "type")); }

// What the Messages API would refuse in a message of the assistant. Adds the ids of its calls.
void CheckAssistant(const value& content, std::set<std::string>& ids, std::set<std::string>& open,
                    Offences& offences) {
  for (const value& block : content.as_array()) {
    if (TypeOf(block) != "tool_use") continue;
    const std::string id(StringMember(&block, "id"));
    if (!IsAnthropicId(id)) offences.push_back("id of another form: " + id);
    if (!ids.insert(id).second) offences.push_back("id twice: " + id);
    if (!Member(&block, "input")->is_object()) offences.push_back("input is no object");
    open.insert(id);
  }
  if (TypeOf(content.as_array().back()) == "thinking") offences.push_back("ends with thinking");
}

// Takes the ids of its results away.
void CheckUser(const value& content, std::set<std::string>& open, Offences& offences) {
  bool other = false;
  for (const value& block : content.as_array()) {
    if (TypeOf(block) != "tool_result") {
      other = true;
      continue;
    }
    if (other) offences.push_back("a result behind something else");
    if (open.erase(std::string(StringMember(&block, "tool_use_id"))) == 0) {
      offences.push_back("a result without its call");
    }
  }
  if (!open.empty()) offences.push_back("a call without its result: " + *open.begin());
  open.clear();
}

Offences CheckAnthropic(const value& body) {
  Offences offences;
  std::set<std::string> ids;
  std::set<std::string> open;
  std::string before = "assistant";
  for (const value& message : Member(&body, "messages")->as_array()) {
    const std::string role(StringMember(&message, "role"));
    if (role == before) offences.push_back("two messages of " + role);
    before = role;
    const value& content = *Member(&message, "content");
    if (content.as_array().empty()) {
      offences.push_back("an empty message");
    } else if (role == "assistant") {
      CheckAssistant(content, ids, open, offences);
    } else {
      CheckUser(content, open, offences);
    }
    for (const value& block : content.as_array()) {
      if (TypeOf(block) == "text" &&
          absl::StripAsciiWhitespace(StringMember(&block, "text")).empty()) {
        offences.push_back("blank text");
      }
    }
  }
  if (!open.empty()) offences.push_back("the last calls have no results");
  if (!ids.empty() && Member(&body, "tools") == nullptr) offences.push_back("calls, but no tools");
  return offences;
}

void CheckOpenAiCalls(const value& message, std::set<std::string>& ids, std::set<std::string>& open,
                      Offences& offences) {
  const value* calls = Member(&message, "tool_calls");
  if (calls == nullptr) {
    if (Member(&message, "content")->is_null()) offences.push_back("neither content nor calls");
    return;
  }
  for (const value& call : calls->as_array()) {
    const std::string id(StringMember(&call, "id"));
    if (id.empty() || id.size() > 40) offences.push_back("id of another form: " + id);
    if (!ids.insert(id).second) offences.push_back("id twice: " + id);
    open.insert(id);
    if (!IsJsonObject(StringMember(Member(&call, "function"), "arguments"))) {
      offences.push_back("arguments are no object");
    }
  }
}

Offences CheckOpenAi(const value& body) {
  Offences offences;
  std::set<std::string> ids;
  std::set<std::string> open;
  for (const value& message : Member(&body, "messages")->as_array()) {
    const std::string role(StringMember(&message, "role"));
    if (role == "tool") {
      if (open.erase(std::string(StringMember(&message, "tool_call_id"))) == 0) {
        offences.push_back("a result without its call");
      }
      continue;
    }
    if (!open.empty()) offences.push_back("a call without its result: " + *open.begin());
    open.clear();
    if (role == "assistant") CheckOpenAiCalls(message, ids, open, offences);
  }
  if (!open.empty()) offences.push_back("the last calls have no results");
  return offences;
}

Offences Check(const Protocol& protocol, const GenerateRequest& request,
               Offences (*check)(const value&)) {
  const auto body =
      protocol.Body("m", {.model = "p/m", .refuses = {}, .prompt_cache = true}, request);
  if (!body.ok()) return {std::string(body.status().message())};
  Offences offences;
  if (!WithJson(*body, [&](const value& json) { offences = check(json); })) {
    offences.push_back("no JSON: " + *body);
  }
  return offences;
}

// For either provider.
Offences CheckBoth(const GenerateRequest& request) {
  Offences offences = Check(AnthropicMessages(), request, CheckAnthropic);
  for (std::string& offence : Check(OpenAiChat(), request, CheckOpenAi)) {
    offences.push_back("openai: " + offence);
  }
  return offences;
}

GenerateRequest Request(const std::string& text) {
  GenerateRequest request;
  EXPECT_TRUE(google::protobuf::TextFormat::ParseFromString(text, &request));
  request.mutable_generation()->set_max_output_tokens(100);
  return request;
}

constexpr char kQuestion[] = "messages { role: USER parts { text { text: 'Time?' } } } ";

TEST(ProviderSwitch, FromOpenAiWithACallOpen) {
  EXPECT_THAT(CheckBoth(Request(absl::StrCat(kQuestion, R"pb(
                messages {
                  role: ASSISTANT
                  parts { reasoning { text: "The clock." } }
                  parts { tool_call { id: "call.1|fc_2" name: "clock" arguments: "[1]" } }
                  parts { tool_call { id: "" name: "clock" arguments: "{\"zo" } }
                }
                messages {
                  role: TOOL
                  parts { tool_result { tool_call_id: "" content: "12:00" } }
                  parts { tool_result { tool_call_id: "call.1|fc_2" content: "" } }
                }
                tools { name: "clock" })pb"))),
              testing::IsEmpty());
}

TEST(ProviderSwitch, FromAnthropicWithACallOpen) {
  EXPECT_THAT(
      CheckBoth(Request(absl::StrCat(kQuestion, R"pb(
        messages {
          role: ASSISTANT
          parts {
            reasoning {
              text: "The clock."
              state { protocol: "anthropic" data: "{\"type\":\"thinking\",\"thinking\":\"\"}" }
            }
          }
          parts { opaque { protocol: "anthropic" data: "{\"type\":\"server_tool_use\"}" } }
          parts { tool_call { id: "toolu_01A09q90qw90lq917835lq9" name: "clock" arguments: "{}" } }
        }
        messages {
          role: TOOL
          parts { tool_result { tool_call_id: "toolu_01A09q90qw90lq917835lq9" content: "12:00" } }
        })pb"))),
      testing::IsEmpty());
}

TEST(ProviderSwitch, WithIdsThatCameTwiceInIt) {
  constexpr char kStep[] = R"pb(
    messages {
      role: ASSISTANT
      parts { tool_call { id: "call_1" name: "clock" } }
    }
    messages {
      role: TOOL
      parts { tool_result { tool_call_id: "call_1" content: "12:00" } }
    }
  )pb";

  EXPECT_THAT(CheckBoth(Request(absl::StrCat(kQuestion, kStep, kQuestion, kStep, kStep))),
              testing::IsEmpty());
}

// --- any conversation

std::string AnyId() {
  return *rc::gen::element<std::string>("call_1", "call_1", "toolu_01A", "call.2|fc", "水", "",
                                        std::string(46, 'x'), "D681PevKs");
}

void AddReasoning(Message& message) {
  auto& reasoning = *message.add_parts()->mutable_reasoning();
  reasoning.set_text(*rc::gen::element<std::string>("", "hm"));
  if (!*rc::gen::arbitrary<bool>()) return;
  reasoning.mutable_state()->set_protocol(*rc::gen::element<std::string>("anthropic", "openai"));
  reasoning.mutable_state()->set_data(R"({"type":"thinking","thinking":"hm","signature":"s"})");
}

// Calls tools or not; the ids of its calls.
std::vector<std::string> AddAssistant(GenerateRequest& request) {
  Message& message = *request.add_messages();
  message.set_role(chat::v1::ASSISTANT);
  const int parts = *rc::gen::inRange(0, 5);
  std::vector<std::string> ids;
  for (int i = 0; i < parts; ++i) {
    switch (*rc::gen::inRange(0, 4)) {
      case 0:
        AddReasoning(message);
        break;
      case 1:
        message.add_parts()->mutable_text()->set_text(
            *rc::gen::element<std::string>("", " \n", "Yes."));
        break;
      case 2: {
        auto& opaque = *message.add_parts()->mutable_opaque();
        opaque.set_protocol(*rc::gen::element<std::string>("anthropic", "openai"));
        opaque.set_data(R"({"type":"fallback"})");
        break;
      }
      default: {
        auto& call = *message.add_parts()->mutable_tool_call();
        ids.push_back(AnyId());
        call.set_id(ids.back());
        call.set_name("clock");
        call.set_arguments(
            *rc::gen::element<std::string>("", "{}", "{\"a\":1}", "[1]", "{\"a", "\xFF", "null"));
      }
    }
  }
  return ids;
}

// All of them, or some: the turn may have broken off.
void AddResults(GenerateRequest& request, const std::vector<std::string>& ids) {
  Message message;
  message.set_role(chat::v1::TOOL);
  for (const std::string& id : ids) {
    if (*rc::gen::inRange(0, 6) == 0) continue;
    auto& result = *message.add_parts()->mutable_tool_result();
    result.set_tool_call_id(id);
    result.set_content(*rc::gen::element<std::string>("", "12:00", "\xE6\xB0"));
    result.set_is_error(*rc::gen::arbitrary<bool>());
  }
  if (message.parts_size() > 0) *request.add_messages() = std::move(message);
}

GenerateRequest AnyConversation() {
  GenerateRequest request;
  request.mutable_generation()->set_max_output_tokens(100);
  if (*rc::gen::arbitrary<bool>()) request.add_tools()->set_name("clock");
  const int turns = *rc::gen::inRange(1, 5);
  for (int turn = 0; turn < turns; ++turn) {
    // History may begin in the middle of a turn.
    if (turn > 0 || *rc::gen::inRange(0, 4) > 0) {
      Message& user = *request.add_messages();
      user.set_role(chat::v1::USER);
      user.add_parts()->mutable_text()->set_text(
          *rc::gen::element<std::string>("Time?", "", "So?"));
    }
    const int steps = *rc::gen::inRange(0, 4);
    for (int step = 0; step < steps; ++step) AddResults(request, AddAssistant(request));
  }
  Message& newest = *request.add_messages();
  newest.set_role(chat::v1::USER);
  newest.add_parts()->mutable_text()->set_text("And now?");
  if (*rc::gen::arbitrary<bool>()) AddResults(request, AddAssistant(request));
  return request;
}

TEST(ProviderSwitch, AnyConversationIsValidForEither) {
  EXPECT_TRUE(rc::check([] {
    const GenerateRequest request = AnyConversation();
    const Offences offences = CheckBoth(request);

    for (const std::string& offence : offences) RC_LOG() << offence << "\n";
    if (!offences.empty()) RC_LOG() << request.DebugString();
    RC_ASSERT(offences.empty());
  }));
}

}  // namespace
}  // namespace penstock::provider_adapter
