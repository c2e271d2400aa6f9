#include "libs/host/validate_providers.h"

#include <cstdlib>
#include <functional>
#include <string>

#include <gtest/gtest.h>

#include "libs/host/config_loader.h"
#include "libs/host/validate_config.h"

#include "absl/strings/str_cat.h"

namespace penstock::host {
namespace {

using config::v1::Config;
using config::v1::Provider;

constexpr char kSecret[] = "MDEyMzQ1Njc4OTAxMjM0NTY3ODkwMTIzNDU2Nzg5MDE=";  // 32 bytes

absl::StatusOr<Config> Parse(const std::string& provider_settings) {
  return ParseConfig(
      absl::StrCat("identity: {issuers: [{issuer: i, tenants: [t], keys: [{algorithm: HS256, "
                   "secret: ",
                   kSecret,
                   "}]}]}\n"
                   "providers:\n"
                   "  - {name: east, base_url: 'https://east.test/v1'",
                   provider_settings,
                   "}\n"
                   "models: [{name: east/small}]\n"
                   "agents: [{id: default, model: east/small}]\n"),
      "good");
}

Config Good() {
  const auto config = Parse("");
  EXPECT_TRUE(config.ok()) << config.status();
  return config.value_or(Config());
}

TEST(ValidateProviders, TakesEveryWayToReachOne) {
  const std::function<void(Provider&)> ways[] = {
      [](Provider&) {},
      [](Provider& p) { p.set_base_url("http://127.0.0.1:8000/v1"); },
      [](Provider& p) { p.set_api_key_file("/run/secrets/key"); },
      [](Provider& p) { p.set_proxy("http://proxy.test:3128"); },
      [](Provider& p) { p.set_proxy("http://[::1]:3128"); },
      [](Provider& p) { p.set_proxy("socks5h://user:w@rd@proxy.test:1080"); }};
  for (const auto& way : ways) {
    Config config = Good();
    way(*config.mutable_providers(0));

    EXPECT_TRUE(ValidateConfig(config).ok()) << ValidateConfig(config);
  }
}

TEST(ValidateProviders, TheDefaultsAreThoseOfTheSchema) {
  const Config config = Good();
  const Provider& provider = config.providers(0);

  EXPECT_EQ(provider.http_version(), "auto");
  EXPECT_EQ(provider.max_connections(), 16);
  EXPECT_EQ(provider.max_connection_age().seconds(), 600);
  EXPECT_EQ(provider.max_answer_bytes(), 64 << 20);
  EXPECT_EQ(provider.proxy(), "");
}

TEST(ValidateProviders, AProxyMayComeFromTheEnvironment) {
  setenv("PENSTOCK_TEST_PROXY", "http://user:word@proxy.test:3128", 1);

  const auto config = Parse(", proxy: '${PENSTOCK_TEST_PROXY}'");
  unsetenv("PENSTOCK_TEST_PROXY");

  ASSERT_TRUE(config.ok()) << config.status();
  EXPECT_EQ(config->providers(0).proxy(), "http://user:word@proxy.test:3128");
}

struct Mistake {
  std::function<void(Provider&)> make;
  const char* error;
};

class ValidateProvidersRefuses : public testing::TestWithParam<Mistake> {};

TEST_P(ValidateProvidersRefuses, NamingThePath) {
  Config config = Good();
  GetParam().make(*config.mutable_providers(0));

  const absl::Status status = ValidateConfig(config);

  EXPECT_EQ(status.code(), absl::StatusCode::kInvalidArgument);
  EXPECT_EQ(status.message(), absl::string_view(GetParam().error));
}

constexpr char kProxyError[] =
    "providers[0].proxy: must be http://host:port or socks5h://host:port, where user:password@ may "
    "stand before the host";

INSTANTIATE_TEST_SUITE_P(
    Settings, ValidateProvidersRefuses,
    testing::Values(
        Mistake{[](Provider& p) { p.set_http_version("2"); },
                "providers[0].http_version: found \"2\", allowed auto or 1.1"},
        Mistake{[](Provider& p) {
                  p.set_api_key_env("KEY");
                  p.set_api_key_file("/run/key");
                },
                "providers[0].api_key_file: found \"/run/key\", allowed only without api_key_env, "
                "which is set too"},
        Mistake{[](Provider& p) { p.set_base_url("https://user:word@east.test/v1"); },
                "providers[0].base_url: must not hold a user or password; the key stands in "
                "api_key_env or api_key_file"},
        Mistake{[](Provider& p) { p.set_proxy("https://user:word@proxy.test:3128"); }, kProxyError},
        Mistake{[](Provider& p) { p.set_proxy("proxy.test:3128"); }, kProxyError},
        Mistake{[](Provider& p) { p.set_proxy("http://proxy.test"); }, kProxyError},
        Mistake{[](Provider& p) { p.set_proxy("http://proxy.test:0"); }, kProxyError},
        Mistake{[](Provider& p) { p.set_proxy("http://proxy.test:3128/"); }, kProxyError},
        Mistake{[](Provider& p) { p.set_proxy("http://us er@proxy.test:3128"); }, kProxyError},
        Mistake{[](Provider& p) { p.set_proxy("http://unix:/run/proxy"); }, kProxyError}));

}  // namespace
}  // namespace penstock::host
