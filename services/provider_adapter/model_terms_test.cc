#include "services/provider_adapter/model_terms.h"

#include <string>

#include <gmock/gmock.h>
#include <google/protobuf/text_format.h>
#include <gtest/gtest.h>

namespace penstock::provider_adapter {
namespace {

using testing::HasSubstr;

template <class Message>
Message Parse(const std::string& text) {
  Message message;
  EXPECT_TRUE(google::protobuf::TextFormat::ParseFromString(text, &message));
  return message;
}

absl::StatusOr<ModelTerms> Read(const std::string& model) {
  return ReadModelTerms(Parse<config::v1::Model>("name: 'p/m' " + model), "models[2]");
}

std::string RefusalOf(const std::string& model, const std::string& request) {
  return std::string(SendableGeneration(*Read(model), Parse<provider::v1::GenerateRequest>(request))
                         .status()
                         .message());
}

TEST(ModelTerms, NameTheParameterThatDoesNotExist) {
  EXPECT_THAT(std::string(Read("refuses: 'seed' refuses: 'top_k'").status().message()),
              testing::AllOf(HasSubstr("models[2].refuses[1]: found top_k, "),
                             HasSubstr("temperature, top_p, stop, seed,")));
}

TEST(ModelTerms, LeaveAPrefillToTheDispatcher) {
  const auto terms = Read("refuses: 'prefill' refuses: 'seed'");

  ASSERT_TRUE(terms.ok()) << terms.status();
  EXPECT_TRUE(terms->refuses.seed);
}

TEST(ModelTerms, LeaveOutWhatTheModelRefuses) {
  constexpr char kAll[] =
      "generation { max_output_tokens: 5 temperature: 1 top_p: 1 stop: 'a' seed: 1 "
      "presence_penalty: 1 frequency_penalty: 1 tool_choice { mode: AUTO } }";
  const auto sent = [&](const std::string& model) {
    return SendableGeneration(*Read(model), Parse<provider::v1::GenerateRequest>(kAll))
        ->ShortDebugString();
  };

  EXPECT_EQ(sent(""),
            "max_output_tokens: 5 temperature: 1 top_p: 1 stop: \"a\" seed: 1 presence_penalty: 1 "
            "frequency_penalty: 1 tool_choice { mode: AUTO }");
  EXPECT_EQ(sent("refuses: 'temperature' refuses: 'seed'"),
            "max_output_tokens: 5 top_p: 1 stop: \"a\" presence_penalty: 1 frequency_penalty: 1 "
            "tool_choice { mode: AUTO }");
  EXPECT_EQ(sent("refuses: 'top_p' refuses: 'stop' refuses: 'presence_penalty' refuses: "
                 "'frequency_penalty' refuses: 'tools' refuses: 'response_format'"),
            "max_output_tokens: 5 temperature: 1 seed: 1 tool_choice { mode: AUTO }");
}

TEST(ModelTerms, RefuseWhatCannotBeLeftOut) {
  EXPECT_THAT(RefusalOf("refuses: 'tools'", "tools { name: 'a' } tools { name: 'b' }"),
              HasSubstr("tools: found 2, allowed none: model p/m refuses tools"));
  EXPECT_THAT(
      RefusalOf("refuses: 'response_format'", "generation { response_format { json_object {} } }"),
      HasSubstr("generation.response_format: found json_object, allowed none: model p/m refuses"));
  EXPECT_EQ(RefusalOf("refuses: 'tools'", "generation { response_format { json_object {} } }"), "");
  EXPECT_EQ(RefusalOf("refuses: 'response_format'", "generation { response_format {} }"), "");
}

TEST(ModelTerms, SayWhetherThePromptCacheIsMarked) {
  EXPECT_TRUE(Read("prompt_cache: true")->prompt_cache);
  EXPECT_FALSE(Read("prompt_cache: false")->prompt_cache);
}

}  // namespace
}  // namespace penstock::provider_adapter
