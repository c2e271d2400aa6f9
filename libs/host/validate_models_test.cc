#include "libs/host/validate_models.h"

#include <functional>
#include <string>

#include <gtest/gtest.h>

#include "libs/host/config_loader.h"
#include "libs/host/validate_config.h"

namespace penstock::host {
namespace {

using config::v1::Config;

constexpr char kSecret[] = "MDEyMzQ1Njc4OTAxMjM0NTY3ODkwMTIzNDU2Nzg5MDE=";  // 32 bytes

Config Good() {
  const auto config = ParseConfig(
      std::string(
          "identity: {issuers: [{issuer: i, tenants: [t], keys: [{algorithm: HS256, secret: ") +
          kSecret +
          "}]}]}\n"
          "providers:\n"
          "  - {name: east, base_url: 'http://127.0.0.1:1/v1'}\n"
          "  - {name: west, base_url: 'http://127.0.0.1:2/v1'}\n"
          "models:\n"
          "  - name: best/large\n"
          "    lanes: [{provider: east}, {provider: west, wire_name: l, limits: "
          "{tokens_per_minute: 100}}]\n"
          "    fallbacks: [{model: east/small}, {model: west/long, on: [CONTEXT_WINDOW]}]\n"
          "  - {name: east/small, fallbacks: [{model: best/large}]}\n"
          "  - {name: west/long, context_window_tokens: 1000000}\n"
          "agents: [{id: default, model: best/large}]\n",
      "good");
  EXPECT_TRUE(config.ok()) << config.status();
  return config.value_or(Config());
}

TEST(ValidateModels, AModelWithLanesNeedsNoProviderOfItsName) {
  EXPECT_TRUE(ValidateConfig(Good()).ok()) << ValidateConfig(Good());
}

struct Mistake {
  std::function<void(Config&)> make;
  const char* error;
};

class ValidateModelsRefuses : public testing::TestWithParam<Mistake> {};

TEST_P(ValidateModelsRefuses, NamingThePath) {
  Config config = Good();
  GetParam().make(config);

  const absl::Status status = ValidateConfig(config);

  EXPECT_EQ(status.code(), absl::StatusCode::kInvalidArgument);
  EXPECT_EQ(status.message(), absl::string_view(GetParam().error));
}

config::v1::Model& ModelOf(Config& c) { return *c.mutable_models(0); }

INSTANTIATE_TEST_SUITE_P(
    Lanes, ValidateModelsRefuses,
    testing::Values(
        Mistake{[](Config& c) { ModelOf(c).mutable_lanes(0)->set_provider("eastt"); },
                "models[0].lanes[0].provider: found \"eastt\", allowed a provider that is "
                "configured; did you mean east?"},
        Mistake{[](Config& c) { ModelOf(c).mutable_lanes(1)->set_provider("east"); },
                "models[0].lanes[1].provider: found \"east\", allowed a provider that no other "
                "lane of the model has"},
        Mistake{
            [](Config& c) { ModelOf(c).mutable_lanes(1)->mutable_limits()->set_renewal("EVER"); },
            "models[0].lanes[1].limits.renewal: found \"EVER\", allowed REFILLED, SLIDING or "
            "FIXED"},
        Mistake{[](Config& c) {
                  while (ModelOf(c).lanes_size() < 65) ModelOf(c).add_lanes();
                },
                "models[0].lanes: found \"65 lanes\", allowed at most 64"},
        Mistake{[](Config& c) { ModelOf(c).mutable_breaker()->mutable_open()->set_seconds(301); },
                "models[0].breaker.open: found \"5m1s\", allowed at most max_open, which is "
                "5m"}));

INSTANTIATE_TEST_SUITE_P(
    Fallbacks, ValidateModelsRefuses,
    testing::Values(
        Mistake{[](Config& c) { ModelOf(c).mutable_fallbacks(0)->set_model("east/smal"); },
                "models[0].fallbacks[0].model: found \"east/smal\", allowed another model that is "
                "configured; did you mean east/small?"},
        Mistake{[](Config& c) { ModelOf(c).mutable_fallbacks(0)->set_model("best/large"); },
                "models[0].fallbacks[0].model: found \"best/large\", allowed another model that is "
                "configured; known are east/small, west/long"},
        Mistake{[](Config& c) { ModelOf(c).mutable_fallbacks(1)->set_model("east/small"); },
                "models[0].fallbacks[1].model: found \"east/small\", allowed a model that no other "
                "fallback of the model has"},
        Mistake{[](Config& c) { ModelOf(c).mutable_fallbacks(0)->add_on("CONTEXT_WINDOW"); },
                "models[0].fallbacks[0].on[0]: found \"CONTEXT_WINDOW\", allowed for a model with "
                "a larger window than 128000 tokens; east/small has 128000"},
        Mistake{[](Config& c) { ModelOf(c).mutable_fallbacks(0)->add_on("DEADLINE"); },
                "models[0].fallbacks[0].on[0]: found \"DEADLINE\", allowed PROVIDER_RATE_LIMITED, "
                "PROVIDER_OVERLOADED, PROVIDER_TIMEOUT, PROVIDER_INTERNAL, PROVIDER_AUTH, "
                "PROVIDER_QUOTA, PROVIDER_UNREACHABLE, STREAM_TRUNCATED, MALFORMED_RESPONSE, "
                "CONTEXT_WINDOW, CONTENT_POLICY, INVALID_REQUEST, IMPOSSIBLE_COST"}));

}  // namespace
}  // namespace penstock::host
