// Images, and what a provider wants back, in the request to the model.
#include <string>
#include <vector>

#include <gmock/gmock.h>
#include <google/protobuf/text_format.h>
#include <gtest/gtest.h>

#include "libs/base/refusal.h"
#include "libs/tokens/raw_tokens.h"
#include "services/dispatcher/turn/prompt.h"

#include "absl/strings/str_cat.h"

namespace penstock::dispatcher {
namespace {

using chat::v1::Message;
using chat::v1::Part;
using testing::HasSubstr;
using testing::SizeIs;

template <class Proto>
Proto Parse(const std::string& text) {
  Proto proto;
  EXPECT_TRUE(google::protobuf::TextFormat::ParseFromString(text, &proto));
  return proto;
}

Message TextOf(chat::v1::Role role, const std::string& text) {
  Message message;
  message.set_role(role);
  message.add_parts()->mutable_text()->set_text(text);
  return message;
}

Message WithImage(size_t bytes) {
  Message message = TextOf(chat::v1::USER, "What is it?");
  auto* image = message.add_parts()->mutable_image();
  image->set_media_type("image/png");
  image->set_data(std::string(bytes, 'x'));
  return message;
}

// An answer of a reasoning model that speaks Anthropic's protocol.
const char kThoughtAndCall[] = R"(
    role: ASSISTANT
    parts { reasoning { text: "hm" state { protocol: "anthropic" data: "{\"signature\":\"s\"}" } } }
    parts { opaque { protocol: "anthropic" data: "{\"type\":\"new\"}" } }
    parts { text { text: "Let me see." } }
    parts { tool_call { id: "c1" name: "look_up" arguments: "{}" } })";
const char kResult[] = R"(role: TOOL parts { tool_result { tool_call_id: "c1" content: "here" } })";

// Holds what PromptSources refers to.
struct Sources {
  config::v1::Agent agent = Parse<config::v1::Agent>(R"(id: "default" model: "p/m")");
  config::v1::Model model = Parse<config::v1::Model>(
      R"(name: "p/m" context_window_tokens: 100000 max_output_tokens: 1000)");
  chat::v1::Overrides overrides;
  std::vector<Message> history;
  std::vector<Message> so_far;
  Message input = TextOf(chat::v1::USER, "And now?");

  absl::StatusOr<Prompt> Build() const {
    std::vector<const Message*> pointers;
    for (const Message& message : history) pointers.push_back(&message);
    std::vector<const Part*> parts;
    for (const Part& part : input.parts()) parts.push_back(&part);
    return BuildPrompt({.agent = agent,
                        .model = model,
                        .overrides = overrides,
                        .history = pointers,
                        .memories = {},
                        .input = parts,
                        .so_far = so_far});
  }
};

TEST(PromptParts, AnImageOfTheNewestMessageIsSentAndCounted) {
  Sources sources;
  const int64_t without = sources.Build()->input_tokens;
  *sources.input.add_parts() = WithImage(100'000).parts(1);

  const auto prompt = sources.Build();

  ASSERT_TRUE(prompt.ok()) << prompt.status();
  EXPECT_EQ(prompt->input_tokens, without + kImageTokens);
  EXPECT_EQ(prompt->request.messages(0).parts(1).SerializeAsString(),
            sources.input.parts(1).SerializeAsString());
}

TEST(PromptParts, ImagesOfEarlierTurnsAreSentAgainAsFarAsTheWindowReaches) {
  Sources sources;
  sources.model.set_context_window_tokens(1000 + 2 * kImageTokens + 200);
  for (int turn = 0; turn < 3; ++turn) {
    sources.history.push_back(WithImage(10));
    sources.history.push_back(TextOf(chat::v1::ASSISTANT, "A boat."));
  }

  const auto prompt = sources.Build();

  ASSERT_TRUE(prompt.ok()) << prompt.status();
  EXPECT_TRUE(prompt->truncated);
  ASSERT_THAT(prompt->request.messages(), SizeIs(5));
  EXPECT_TRUE(prompt->request.messages(0).parts(1).has_image());
  EXPECT_TRUE(prompt->request.messages(2).parts(1).has_image());
}

TEST(PromptParts, ARequestIsNeverLargerThanAMessageMayBe) {
  Sources sources;
  for (int turn = 0; turn < 6; ++turn) {
    sources.history.push_back(WithImage(1'000'000));
    sources.history.push_back(TextOf(chat::v1::ASSISTANT, "A boat."));
  }
  *sources.input.add_parts() = WithImage(1'000'000).parts(1);

  const auto prompt = sources.Build();

  ASSERT_TRUE(prompt.ok()) << prompt.status();
  EXPECT_TRUE(prompt->truncated);
  EXPECT_LT(prompt->request.ByteSizeLong(), size_t{4} << 20);
  EXPECT_THAT(prompt->request.messages(), SizeIs(5));
}

TEST(PromptParts, WhatDoesNotFitIntoAMessageIsRefusedInBytes) {
  Sources sources;
  for (int step = 0; step < 4; ++step) {
    sources.so_far.push_back(Parse<Message>(kThoughtAndCall));
    sources.so_far.back().mutable_parts(1)->mutable_opaque()->set_data(std::string(1'000'000, 'x'));
    sources.so_far.push_back(Parse<Message>(kResult));
  }
  sources.model.set_context_window_tokens(10'000'000);

  const auto prompt = sources.Build();

  EXPECT_EQ(ReasonOf(prompt.status()), "CONTEXT_WINDOW");
  EXPECT_THAT(std::string(prompt.status().message()), HasSubstr(" bytes, p/m takes at most "));
}

TEST(PromptParts, WhatAProviderWantsBackGoesBackUnchangedAndInPlace) {
  Sources sources;
  const Message step = Parse<Message>(kThoughtAndCall);
  sources.history = {TextOf(chat::v1::USER, "Where?"), step, Parse<Message>(kResult),
                     TextOf(chat::v1::ASSISTANT, "There.")};
  sources.so_far = {step, Parse<Message>(kResult)};

  const auto prompt = sources.Build();

  ASSERT_TRUE(prompt.ok()) << prompt.status();
  ASSERT_THAT(prompt->request.messages(), SizeIs(7));
  EXPECT_EQ(prompt->request.messages(1).SerializeAsString(), step.SerializeAsString());
  EXPECT_EQ(prompt->request.messages(5).SerializeAsString(), step.SerializeAsString());
}

TEST(PromptParts, ThoughtsThatNobodyWantsBackStayInTheirOwnTurn) {
  Sources sources;
  Message step = Parse<Message>(kThoughtAndCall);
  step.mutable_parts(0)->mutable_reasoning()->clear_state();
  sources.history = {TextOf(chat::v1::USER, "Where?"), step, Parse<Message>(kResult)};
  sources.so_far = {step, Parse<Message>(kResult)};

  const auto prompt = sources.Build();

  ASSERT_TRUE(prompt.ok()) << prompt.status();
  EXPECT_TRUE(prompt->request.messages(1).parts(0).has_opaque());
  EXPECT_EQ(prompt->request.messages(4).parts(0).reasoning().text(), "hm");
}

}  // namespace
}  // namespace penstock::dispatcher
