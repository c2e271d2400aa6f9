#include "tests/harness/mesh_config.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "libs/host/config_loader.h"

namespace penstock::harness {
namespace {

using testing::HasSubstr;

constexpr char kYaml[] = "turn: {max_starts: 3}\nmodels:\n  - name: a/b\n    concurrency: 1\n";

TEST(MeshConfig, ChangesSettingsThatAreThereAndAddsOthers) {
  const auto text = WithSettings(kYaml, {{"turn.max_starts", "9"},
                                         {"models.0.concurrency", "7"},
                                         {"models.1.name", "c/d"},
                                         {"recall.timeout", "2ms"},
                                         {"tenants", "[x, y]"}});

  ASSERT_TRUE(text.ok()) << text.status();
  EXPECT_EQ(*SettingOf(*text, "turn.max_starts"), "9");
  EXPECT_EQ(*SettingOf(*text, "models.0.name"), "a/b");
  EXPECT_EQ(*SettingOf(*text, "models.0.concurrency"), "7");
  EXPECT_EQ(*SettingOf(*text, "models.1.name"), "c/d");
  EXPECT_EQ(*SettingOf(*text, "recall.timeout"), "2ms");
  EXPECT_EQ(*SettingOf(*text, "tenants.1"), "y");
}

TEST(MeshConfig, NamesAPathThatDoesNotFit) {
  EXPECT_THAT(WithSettings(kYaml, {{"models.3.name", "x"}}).status().ToString(),
              HasSubstr("setting models.3.name: entry 3 of a list of 1"));
  EXPECT_THAT(WithSettings(kYaml, {{"models.name", "x"}}).status().ToString(), HasSubstr("no map"));
  EXPECT_THAT(WithSettings(kYaml, {{"turn.max_starts.x", "1"}}).status().ToString(),
              HasSubstr("no map"));
  EXPECT_EQ(SettingOf(kYaml, "turn.nothing").status().code(), absl::StatusCode::kNotFound);
}

TEST(MeshConfig, TheSampleIsAConfigurationAlsoAfterChanges) {
  const auto sample = SampleConfig();
  ASSERT_TRUE(sample.ok()) << sample.status();

  const auto text = WithSettings(*sample, {{"turn.disconnect_grace", "200ms"},
                                           {"endpoints.gateway", "\"unix:/tmp/gateway\""},
                                           {"identity.issuers.0.tenants", "[dev, a/b]"}});

  ASSERT_TRUE(text.ok()) << text.status();
  const auto config = host::ParseConfig(*text, "test.yaml");
  ASSERT_TRUE(config.ok()) << config.status();
  EXPECT_EQ(config->endpoints().gateway(), "unix:/tmp/gateway");
  EXPECT_EQ(config->identity().issuers(0).tenants(1), "a/b");
  EXPECT_EQ(config->agents_size(), 2);
}

TEST(MeshConfig, WithoutLimitsNoTierHasOne) {
  const auto text = WithSettings(SampleConfig().value(), WithoutLimits());

  ASSERT_TRUE(text.ok()) << text.status();
  const auto config = host::ParseConfig(*text, "test.yaml");
  ASSERT_TRUE(config.ok()) << config.status();
  for (const auto& tier : config->tiers()) EXPECT_EQ(tier.turns_per_hour(), 0) << tier.name();
  EXPECT_EQ(config->queue().paid_max_wait().seconds(), 24 * 3600);
}

}  // namespace
}  // namespace penstock::harness
