#include "libs/host/config_loader.h"

#include <filesystem>
#include <fstream>
#include <sstream>
#include <string>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "libs/host/tiers.h"

namespace penstock::host {
namespace {

using testing::HasSubstr;
using testing::StartsWith;

class ShippedConfig : public testing::TestWithParam<const char*> {};

TEST_P(ShippedConfig, Loads) {
  const auto config = LoadConfig(GetParam());

  ASSERT_TRUE(config.ok()) << config.status();
  EXPECT_EQ(config->agents_size(), 2);
  EXPECT_EQ(config->agents(0).id(), "default");
  EXPECT_EQ(config->models(0).name(), "sim/echo");
  EXPECT_TRUE(config->models(0).has_price());
  EXPECT_EQ(config->providers(0).base_url(), "http://127.0.0.1:7430/v1");
  EXPECT_EQ(config->identity().issuers(0).issuer(), "penstock-dev");
  EXPECT_FALSE(config->endpoints().insecure());
  EXPECT_EQ(config->tiers_size(), 3);
}

INSTANTIATE_TEST_SUITE_P(All, ShippedConfig,
                         testing::Values("deploy/config/standalone.yaml",
                                         "deploy/config/five.yaml"));

TEST(LoadConfig, TakesTheExamplesOfProviders) {
  for (const std::string name : {"openai", "anthropic"}) {
    const auto config = LoadConfig("deploy/config/" + name + ".yaml");

    ASSERT_TRUE(config.ok()) << config.status();
    EXPECT_EQ(config->providers(0).protocol(), name);
  }
}

TEST(LoadConfig, SaysWhichFileCannotBeRead) {
  EXPECT_EQ(LoadConfig("no/such.yaml").status().code(), absl::StatusCode::kNotFound);
  EXPECT_THAT(std::string(LoadConfig("no/such.yaml").status().message()),
              StartsWith("no/such.yaml: cannot be opened"));
  EXPECT_THAT(std::string(LoadConfig("libs").status().message()),
              StartsWith("libs: cannot be read"));
}

TEST(ParseConfig, GivesAConfigurationWithoutTiersTheBuiltInOnes) {
  const auto config = ParseConfig(
      "providers: [{name: sim, base_url: 'http://127.0.0.1:1/v1'}]\n"
      "models: [{name: sim/echo}]\nagents: [{id: default, model: sim/echo}]\n",
      "test");

  ASSERT_TRUE(config.ok()) << config.status();
  EXPECT_EQ(TierNames(*config), (std::vector<std::string>{"free", "paid", "unlimited"}));
  EXPECT_EQ(config->tiers(0).turn_class(), "FREE");
  EXPECT_EQ(config->tiers(0).turns_per_hour(), 20);
  EXPECT_EQ(config->tiers(1).turn_class(), "PAID");
  EXPECT_EQ(config->tiers(1).turns_per_hour(), 200);
  EXPECT_EQ(config->tiers(2).turn_class(), "PAID");
  EXPECT_EQ(config->tiers(2).turns_per_hour(), 0);
}

TEST(ParseConfig, NamesTheSourceInErrorsBetweenSettings) {
  const auto config = ParseConfig("models: [{name: a/b}]", "my.yaml");

  EXPECT_EQ(config.status().code(), absl::StatusCode::kInvalidArgument);
  EXPECT_THAT(std::string(config.status().message()), StartsWith("my.yaml: models[0].name: "));
}

// The fuzz target tests/fuzz/parse_config_fuzz.cc starts from these files, too.
TEST(ParseConfig, AnswersWithAStatusWhateverItIsGiven) {
  int files = 0;
  for (const auto& file : std::filesystem::directory_iterator("tests/fuzz/corpus/parse_config")) {
    std::stringstream text;
    text << std::ifstream(file.path(), std::ios::binary).rdbuf();
    const auto config = ParseConfig(text.str(), "corpus");
    EXPECT_TRUE(config.ok() || config.status().code() == absl::StatusCode::kInvalidArgument)
        << file.path();
    ++files;
  }
  EXPECT_GE(files, 10);
}

}  // namespace
}  // namespace penstock::host
