#include "services/provider_adapter/routes.h"

#include <gmock/gmock.h>
#include <google/protobuf/text_format.h>
#include <gtest/gtest.h>

namespace penstock::provider_adapter {
namespace {

using testing::Contains;
using testing::HasSubstr;
using testing::Not;

constexpr char kConfig[] = R"pb(
  providers {
    name: "openai"
    protocol: "openai"
    base_url: "https://api.openai.com/v1"
    api_key_env: "KEY"
    connect_timeout { seconds: 5 }
    first_token_timeout { seconds: 60 }
    idle_timeout { nanos: 5000000 }
    max_streams: 10
  }
  models {
    name: "openai/gpt-x"
    price { input: 2 output: 10 }
  }
  models { name: "openai/big/one" wire_name: "org/big-1" }
)pb";

absl::StatusOr<std::unique_ptr<Routes>> Read(const std::string& config,
                                             const std::string& key = "sk-1") {
  config::v1::Config parsed;
  EXPECT_TRUE(google::protobuf::TextFormat::ParseFromString(config, &parsed));
  return Routes::Read(parsed, [&](absl::string_view name) -> std::optional<std::string> {
    if (name == "KEY") return key;
    return std::nullopt;
  });
}

std::string ErrorOf(const std::string& config, const std::string& key = "sk-1") {
  return std::string(Read(config, key).status().message());
}

TEST(Routes, FindsAModelsProviderNameAndPrice) {
  const auto routes = Read(kConfig);

  ASSERT_TRUE(routes.ok());
  const ModelRoute* model = (*routes)->Find("openai/gpt-x");
  ASSERT_NE(model, nullptr);
  EXPECT_EQ(model->wire_name, "gpt-x");
  EXPECT_EQ(model->rates->output, 10'000'000'000);
  EXPECT_EQ(model->provider->url, "https://api.openai.com/v1/chat/completions");
  EXPECT_THAT(model->provider->credential.Get()->headers, Contains("Authorization: Bearer sk-1"));
  EXPECT_EQ(model->provider->idle_timeout, absl::Milliseconds(5));
  EXPECT_EQ((*routes)->Find("openai/big/one")->wire_name, "org/big-1");
  EXPECT_FALSE((*routes)->Find("openai/big/one")->rates.has_value());
  EXPECT_EQ((*routes)->Find("openai/other"), nullptr);
}

TEST(Routes, FindsTheLanesOfAModelByTheirProvider) {
  const auto routes = Read(std::string(kConfig) + R"pb(
    providers { name: "azure" protocol: "openai" base_url: "https://azure/v1" }
    models {
      name: "best/gpt-x"
      wire_name: "gpt-x"
      price { input: 2 output: 10 }
      lanes { provider: "azure" wire_name: "our-deployment" }
      lanes { provider: "openai" }
    })pb");

  ASSERT_TRUE(routes.ok()) << routes.status();
  EXPECT_EQ((*routes)->Find("best/gpt-x")->provider->name, "azure");
  EXPECT_EQ((*routes)->Find("best/gpt-x", "azure")->wire_name, "our-deployment");
  const ModelRoute* second = (*routes)->Find("best/gpt-x", "openai");
  ASSERT_NE(second, nullptr);
  EXPECT_EQ(second->wire_name, "gpt-x");
  EXPECT_EQ(second->provider->url, "https://api.openai.com/v1/chat/completions");
  EXPECT_EQ(second->rates->output, 10'000'000'000);
  EXPECT_EQ((*routes)->Find("openai/gpt-x", "azure"), nullptr);
}

TEST(Routes, SpeaksTheProtocolThatIsNamed) {
  const auto routes = Read(R"pb(
    providers {
      name: "claude"
      protocol: "anthropic"
      base_url: "https://api.anthropic.com/v1"
      api_key_env: "KEY"
    }
    providers {
      name: "azure"
      protocol: "openai"
      base_url: "https://a/v1"
      api_key_env: "KEY"
      quirks: "api_key_header"
    }
    models { name: "claude/m" refuses: "temperature" prompt_cache: true }
    models { name: "azure/m" }
  )pb");

  ASSERT_TRUE(routes.ok()) << routes.status();
  const ModelRoute* model = (*routes)->Find("claude/m");
  EXPECT_EQ(model->provider->url, "https://api.anthropic.com/v1/messages");
  EXPECT_THAT(model->provider->protocol->Headers("k"), Contains("x-api-key: k"));
  EXPECT_TRUE(model->terms.refuses.temperature);
  EXPECT_TRUE(model->terms.prompt_cache);
  EXPECT_EQ(model->terms.model, "claude/m");
  EXPECT_THAT((*routes)->Find("azure/m")->provider->protocol->Headers("k"), Contains("api-key: k"));
}

TEST(Routes, NamesTheKeyThatIsWrong) {
  EXPECT_THAT(ErrorOf(R"pb(providers { name: "a/b" })pb"), HasSubstr("providers[0].name"));
  EXPECT_THAT(ErrorOf(R"pb(providers { name: "a" protocol: "smtp" })pb"),
              HasSubstr("providers[0].protocol: found smtp, allowed openai or anthropic"));
  EXPECT_THAT(ErrorOf(R"pb(providers { name: "a" protocol: "anthropic" quirks: "max_tokens" })pb"),
              HasSubstr("providers[0].quirks[0]: found max_tokens, allowed bearer_key"));
  EXPECT_THAT(ErrorOf(std::string(kConfig) + R"pb(models { name: "openai/z" refuses: "n" })pb"),
              HasSubstr("models[2].refuses[0]: found n, allowed temperature,"));
  EXPECT_THAT(ErrorOf(R"pb(providers { name: "a" protocol: "openai" base_url: "ftp://x" })pb"),
              HasSubstr("providers[0].base_url"));
  EXPECT_THAT(ErrorOf(R"pb(models { name: "a/b" })pb"), HasSubstr("models[0].name"));
  EXPECT_THAT(ErrorOf(std::string(kConfig) + R"pb(models {
                                                    name: "x/y"
                                                    lanes { provider: "no" }
                                                  })pb"),
              HasSubstr("models[2].lanes[0].provider"));
  EXPECT_THAT(ErrorOf(std::string(kConfig) + R"pb(models { name: "gpt" })pb"),
              HasSubstr("models[2].name"));
  EXPECT_THAT(ErrorOf(std::string(kConfig) + R"pb(models { name: "openai/gpt-x" })pb"),
              HasSubstr("each name once"));
}

TEST(Routes, NeedsTheApiKeyThatIsNamedAndNeverShowsIt) {
  EXPECT_THAT(ErrorOf(kConfig, ""),
              HasSubstr("providers[0].api_key_env: found KEY, which is not set"));
  EXPECT_THAT(ErrorOf(kConfig, "sk-1\n"), HasSubstr("line ends"));
  EXPECT_THAT(ErrorOf(kConfig, "sk-1\n"), Not(HasSubstr("sk-1")));
}

}  // namespace
}  // namespace penstock::provider_adapter
