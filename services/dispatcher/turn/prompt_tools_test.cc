// Tools in the request to the model.
#include <gmock/gmock.h>
#include <google/protobuf/text_format.h>
#include <gtest/gtest.h>

#include "libs/base/refusal.h"
#include "services/dispatcher/turn/prompt.h"

namespace penstock::dispatcher {
namespace {

using chat::v1::Message;
using chat::v1::ToolChoice;
using testing::SizeIs;

template <class Proto>
Proto Parse(const std::string& text) {
  Proto proto;
  EXPECT_TRUE(google::protobuf::TextFormat::ParseFromString(text, &proto));
  return proto;
}

// Holds what PromptSources refers to.
struct Sources {
  config::v1::Agent agent =
      Parse<config::v1::Agent>(R"(id: "default" model: "p/m" tools { name: "look_up" })");
  config::v1::Model model =
      Parse<config::v1::Model>(R"(name: "p/m" context_window_tokens: 1000 max_output_tokens: 100)");
  chat::v1::Overrides overrides;
  std::vector<Message> history;
  std::vector<Message> so_far;
  chat::v1::Part input = Parse<chat::v1::Part>(R"(text { text: "where?" })");
  bool no_more_tools = false;

  absl::StatusOr<Prompt> Build() const {
    std::vector<const Message*> pointers;
    for (const Message& message : history) pointers.push_back(&message);
    const chat::v1::Part* const parts[] = {&input};
    return BuildPrompt({.agent = agent,
                        .model = model,
                        .overrides = overrides,
                        .history = pointers,
                        .memories = {},
                        .input = parts,
                        .so_far = so_far,
                        .no_more_tools = no_more_tools});
  }
};

// A call and its result, each of about that many bytes.
std::vector<Message> Exchange(size_t bytes) {
  Message call = Parse<Message>(R"(role: ASSISTANT parts { tool_call { id: "c1" name: "f" } })");
  call.mutable_parts(0)->mutable_tool_call()->set_arguments(std::string(bytes, ' '));
  Message result = Parse<Message>(R"(role: TOOL parts { tool_result { tool_call_id: "c1" } })");
  result.mutable_parts(0)->mutable_tool_result()->set_content(std::string(bytes, 'x'));
  return {call, result};
}

TEST(PromptTools, AreTheAgentsOrThoseOfTheOverrides) {
  Sources sources;
  EXPECT_EQ(sources.Build()->request.tools(0).name(), "look_up");

  sources.overrides = Parse<chat::v1::Overrides>(R"(tools { name: "a" } tools { name: "b" })");

  const auto prompt = sources.Build();
  ASSERT_THAT(prompt->request.tools(), SizeIs(2));
  EXPECT_EQ(prompt->request.tools(1).name(), "b");
}

TEST(PromptTools, CountAsInput) {
  Sources sources;
  const int64_t without = sources.Build()->input_tokens;

  sources.agent.mutable_tools(0)->set_parameters(std::string(1000, ' '));
  EXPECT_EQ(sources.Build()->input_tokens, without + 300);
  sources.agent.mutable_tools(0)->set_parameters(std::string(4000, ' '));
  EXPECT_EQ(ReasonOf(sources.Build().status()), "CONTEXT_WINDOW");
}

TEST(PromptTools, TheStepsSoFarStandBehindTheNewestMessage) {
  Sources sources;
  sources.so_far = Exchange(10);

  const auto prompt = sources.Build();

  ASSERT_THAT(prompt->request.messages(), SizeIs(3));
  EXPECT_EQ(prompt->request.messages(0).role(), chat::v1::USER);
  EXPECT_TRUE(prompt->request.messages(1).parts(0).has_tool_call());
  EXPECT_EQ(prompt->request.messages(2).role(), chat::v1::TOOL);
  sources.so_far = Exchange(4000);
  EXPECT_EQ(ReasonOf(sources.Build().status()), "CONTEXT_WINDOW");
}

TEST(PromptTools, NoBudgetSplitsACallFromItsResult) {
  for (int64_t window = 150; window < 1200; window += 10) {
    Sources sources;
    sources.model.set_context_window_tokens(window);
    for (int i = 0; i < 3; ++i) {
      sources.history.push_back(
          Parse<Message>(R"(role: USER parts { text { text: "and then?" } })"));
      for (const Message& message : Exchange(400)) sources.history.push_back(message);
      sources.history.push_back(
          Parse<Message>(R"(role: ASSISTANT parts { text { text: "there" } })"));
    }

    const auto prompt = sources.Build();

    ASSERT_TRUE(prompt.ok()) << prompt.status();
    const auto& messages = prompt->request.messages();
    EXPECT_EQ((messages.size() - 1) % 4, 0) << window;
    for (int i = 0; i < messages.size(); ++i) {
      if (messages[i].parts(0).has_tool_call()) {
        EXPECT_EQ(messages[i + 1].parts(0).tool_result().tool_call_id(), "c1");
      }
    }
  }
}

TEST(PromptTools, AForcedChoiceIsForTheFirstStep) {
  for (const char* forced : {R"(mode: REQUIRED)", R"(tool: "look_up")"}) {
    Sources sources;
    *sources.agent.mutable_generation()->mutable_tool_choice() = Parse<ToolChoice>(forced);
    EXPECT_TRUE(sources.Build()->request.generation().has_tool_choice());

    sources.so_far = Exchange(10);

    EXPECT_FALSE(sources.Build()->request.generation().has_tool_choice());
  }
}

TEST(PromptTools, ChoiceOfTheOverridesReplacesTheAgents) {
  Sources sources;
  sources.agent.mutable_generation()->mutable_tool_choice()->set_tool("look_up");
  sources.overrides.mutable_generation()->mutable_tool_choice()->set_mode(ToolChoice::NONE);

  const auto choice = sources.Build()->request.generation().tool_choice();

  EXPECT_EQ(choice.mode(), ToolChoice::NONE);
  EXPECT_EQ(choice.tool(), "");
}

TEST(PromptTools, NoMoreToolsMeansNoneAndNoToolsMeansNoChoice) {
  Sources sources;
  sources.so_far = Exchange(10);
  sources.no_more_tools = true;
  const auto last = sources.Build();
  EXPECT_EQ(last->request.generation().tool_choice().mode(), ToolChoice::NONE);
  EXPECT_THAT(last->request.tools(), SizeIs(1));

  sources.agent.clear_tools();

  EXPECT_FALSE(sources.Build()->request.generation().has_tool_choice());
}

}  // namespace
}  // namespace penstock::dispatcher
