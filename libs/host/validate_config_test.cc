#include "libs/host/validate_config.h"

#include <functional>
#include <string>

#include <gtest/gtest.h>

#include "libs/host/config_loader.h"

#include "absl/strings/escaping.h"
#include "absl/strings/str_cat.h"

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
          "providers: [{name: sim, base_url: 'http://127.0.0.1:1/v1'}]\n"
          "models: [{name: sim/echo, price: {input: 1, output: 2}}]\n"
          "agents: [{id: default, model: sim/echo, overridable: [model]}]\n",
      "good");
  return config.value();
}

struct Mistake {
  std::function<void(Config&)> make;
  const char* error;
};

class ValidateConfigRefuses : public testing::TestWithParam<Mistake> {};

TEST_P(ValidateConfigRefuses, NamingThePath) {
  Config config = Good();
  GetParam().make(config);

  const absl::Status status = ValidateConfig(config);

  EXPECT_EQ(status.code(), absl::StatusCode::kInvalidArgument);
  EXPECT_EQ(status.message(), absl::string_view(GetParam().error));
}

config::v1::Issuer& IssuerOf(Config& c) { return *c.mutable_identity()->mutable_issuers(0); }
config::v1::Key& KeyOf(Config& c) { return *IssuerOf(c).mutable_keys(0); }
config::v1::Jwks& JwksOf(Config& c) {
  config::v1::Jwks& jwks = *IssuerOf(c).mutable_jwks();
  jwks.set_url("https://issuer.test/jwks");
  jwks.mutable_refresh_interval()->set_seconds(600);
  jwks.mutable_max_age()->set_seconds(600);
  return jwks;
}
config::v1::Jwks& JwksAloneOf(Config& c) {
  IssuerOf(c).clear_keys();
  return JwksOf(c);
}

INSTANTIATE_TEST_SUITE_P(
    Queue, ValidateConfigRefuses,
    testing::Values(Mistake{[](Config& c) { c.mutable_queue()->set_paid_floor(0.45); },
                            "queue: found \"floors of 0.52 together\", allowed at most 0.5"},
                    Mistake{[](Config& c) {
                              c.add_tenants()->set_name("a");
                              c.add_tenants()->set_name("a");
                            },
                            "tenants[1].name: found \"a\", allowed each tenant once"}));

INSTANTIATE_TEST_SUITE_P(
    Tiers, ValidateConfigRefuses,
    testing::Values(
        Mistake{[](Config& c) { c.mutable_tiers(0)->set_name("a b"); },
                "tiers[0].name: found \"a b\", allowed [A-Za-z0-9._~-]{1,64}"},
        Mistake{[](Config& c) { c.mutable_tiers(1)->set_name("free"); },
                "tiers[1].name: found \"free\", allowed each tier once"},
        Mistake{[](Config& c) { c.mutable_tiers(0)->set_name("basic"); },
                "tiers: one must have the name \"free\"; it is that of tokens that name none"},
        Mistake{[](Config& c) { c.mutable_tiers(0)->set_turn_class("ACTION"); },
                "tiers[0].turn_class: found \"ACTION\", allowed PAID or FREE"},
        Mistake{[](Config& c) { c.mutable_tiers(0)->set_usd_per_day(2e9); },
                "tiers[0].usd_per_day: found \"2e+09\", allowed at most 1000000000"},
        Mistake{[](Config& c) {
                  c.add_tenants()->set_name("a");
                  c.mutable_tenants(0)->set_usd_per_day(5);
                  c.mutable_models(0)->clear_price();
                },
                "tenants[0].usd_per_day: found \"5\", allowed 0 as long as sim/echo has no "
                "price"}));

INSTANTIATE_TEST_SUITE_P(
    Process, ValidateConfigRefuses,
    testing::Values(
        Mistake{[](Config& c) { c.set_data_dir(""); },
                "data_dir: found empty text, allowed a folder"},
        Mistake{[](Config& c) { c.mutable_process()->set_log_severity("info"); },
                "process.log_severity: found \"info\", allowed DEBUG, INFO, WARNING or ERROR"},
        Mistake{[](Config& c) { c.mutable_process()->set_admin("9090"); },
                "process.admin: found \"9090\", allowed \"host:port\", \"[IPv6 address]:port\" or "
                "\"unix:path\""},
        Mistake{[](Config& c) { c.mutable_endpoints()->set_memory_recall("x"); },
                "endpoints.memory_recall: found \"x\", allowed \"host:port\", \"[IPv6 "
                "address]:port\" or \"unix:path\""}));

INSTANTIATE_TEST_SUITE_P(
    Identity, ValidateConfigRefuses,
    testing::Values(
        Mistake{
            [](Config& c) { c.mutable_identity()->set_grant_root("c2hvcnQ="); },
            "identity.grant_root: found 5 bytes, allowed at least 32 (head -c 32 /dev/urandom | "
            "base64)"},
        Mistake{[](Config& c) { c.mutable_identity()->set_grant_key("!"); },
                "identity.grant_key: is no valid base64"},
        Mistake{[](Config& c) { *c.mutable_identity()->add_issuers() = IssuerOf(c); },
                "identity.issuers[1].issuer: found \"i\", allowed an issuer that is not listed "
                "already"},
        Mistake{[](Config& c) { IssuerOf(c).clear_tenants(); },
                "identity.issuers[0].tenants: found none, allowed at least one"},
        Mistake{[](Config& c) { IssuerOf(c).add_tenants("t"); },
                "identity.issuers[0].tenants[1]: found \"t\", allowed a tenant that is not listed "
                "already"},
        Mistake{[](Config& c) { IssuerOf(c).clear_keys(); },
                "identity.issuers[0].keys: found none, allowed at least one, or jwks instead"},
        Mistake{[](Config& c) { JwksOf(c); },
                "identity.issuers[0].jwks: found beside keys, allowed one of the two"},
        Mistake{[](Config& c) { JwksAloneOf(c).mutable_max_age()->set_seconds(599); },
                "identity.issuers[0].jwks.max_age: found \"9m59s\", allowed at least "
                "refresh_interval: keys would die between two fetches"},
        Mistake{[](Config& c) { c.mutable_identity()->set_previous_grant_root("c2hvcnQ="); },
                "identity.previous_grant_root: found 5 bytes, allowed at least 32 (head -c 32 "
                "/dev/urandom | base64)"},
        Mistake{[](Config& c) { c.mutable_identity()->set_previous_grant_key("!"); },
                "identity.previous_grant_key: is no valid base64"},
        Mistake{[](Config& c) { KeyOf(c).set_algorithm("none"); },
                "identity.issuers[0].keys[0].algorithm: found \"none\", allowed HS256, RS256 or "
                "ES256"},
        Mistake{[](Config& c) { KeyOf(c).clear_secret(); },
                "identity.issuers[0].keys[0].secret: required by HS256, and absent"},
        Mistake{[](Config& c) { KeyOf(c).set_algorithm("ES256"); },
                "identity.issuers[0].keys[0].public_key_file: required by ES256, and absent"},
        Mistake{[](Config& c) {
                  KeyOf(c).set_algorithm("RS256");
                  KeyOf(c).set_public_key_file("k.pem");
                },
                "identity.issuers[0].keys[0].secret: RS256 has a public key, not a secret"},
        Mistake{
            [](Config& c) { KeyOf(c).set_public_key_file("k.pem"); },
            "identity.issuers[0].keys[0].public_key_file: HS256 has a secret, not a public key"},
        Mistake{[](Config& c) { *IssuerOf(c).add_keys() = KeyOf(c); },
                "identity.issuers[0].keys[0].kid: required when an issuer has several keys, and "
                "absent"},
        Mistake{[](Config& c) {
                  KeyOf(c).set_kid("k");
                  *IssuerOf(c).add_keys() = KeyOf(c);
                },
                "identity.issuers[0].keys[1].kid: found \"k\", allowed a kid that no other key of "
                "the issuer has"}));

INSTANTIATE_TEST_SUITE_P(
    Catalogue, ValidateConfigRefuses,
    testing::Values(
        Mistake{[](Config& c) { c.mutable_providers(0)->set_name("a/b"); },
                "providers[0].name: found \"a/b\", allowed [A-Za-z0-9._~-]{1,64}"},
        Mistake{[](Config& c) { c.mutable_providers(0)->set_protocol("soap"); },
                "providers[0].protocol: found \"soap\", allowed openai or anthropic"},
        Mistake{[](Config& c) { c.mutable_providers(0)->set_base_url("ftp://x"); },
                "providers[0].base_url: found \"ftp://x\", allowed a URL such as https://host/v1, "
                "without query"},
        Mistake{[](Config& c) { c.mutable_providers(0)->set_api_key_env("sk-123"); },
                "providers[0].api_key_env: must be the name of an environment variable, not a key"},
        Mistake{[](Config& c) { *c.add_providers() = c.providers(0); },
                "providers[1].name: found \"sim\", allowed a name that no other of providers has"},
        Mistake{[](Config& c) { c.mutable_models(0)->set_name("echo"); },
                "models[0].name: found \"echo\", allowed provider/model"},
        Mistake{[](Config& c) { c.mutable_models(0)->set_name("slm/echo"); },
                "models[0].name: found \"slm/echo\", allowed a model of a provider that is "
                "configured; did you mean sim?"},
        Mistake{[](Config& c) { c.mutable_models(0)->set_max_output_tokens(128000); },
                "models[0].max_output_tokens: found \"128000\", allowed less than "
                "context_window_tokens, which is 128000"},
        Mistake{[](Config& c) {
                  auto& limits = *c.mutable_models(0)->mutable_limits();
                  limits.set_output_counted("LATER");
                  limits.set_renewal("SLIDING");
                },
                "models[0].limits.output_counted: found \"LATER\", allowed ADMISSION or GENERATED"},
        Mistake{[](Config& c) {
                  auto& limits = *c.mutable_models(0)->mutable_limits();
                  limits.set_output_counted("GENERATED");
                  limits.set_renewal("fixed");
                },
                "models[0].limits.renewal: found \"fixed\", allowed REFILLED, SLIDING or FIXED"},
        Mistake{[](Config& c) { c.mutable_models(0)->mutable_price()->set_cache_read(2e6); },
                "models[0].price.cache_read: found \"2e+06\", allowed at most 1000000; prices are "
                "in USD per million tokens"},
        Mistake{[](Config& c) { *c.add_models() = c.models(0); },
                "models[1].name: found \"sim/echo\", allowed a name that no other of models has"}));

INSTANTIATE_TEST_SUITE_P(
    Agents, ValidateConfigRefuses,
    testing::Values(
        Mistake{[](Config& c) { c.mutable_agents(0)->set_id("a b"); },
                "agents[0].id: found \"a b\", allowed [A-Za-z0-9._~-]{1,64}"},
        Mistake{[](Config& c) { c.mutable_agents(0)->set_id("other"); },
                "agents: one must have the id \"default\"; it answers in sessions that name none"},
        Mistake{[](Config& c) { *c.add_agents() = c.agents(0); },
                "agents[1].id: found \"default\", allowed a name that no other of agents has"},
        Mistake{[](Config& c) { c.mutable_agents(0)->set_model("sim/ecco"); },
                "agents[0].model: found \"sim/ecco\", allowed a model that is configured; did you "
                "mean sim/echo?"},
        Mistake{[](Config& c) { c.mutable_agents(0)->add_models("x/y"); },
                "agents[0].models[0]: found \"x/y\", allowed a model that is configured; known are "
                "sim/echo"},
        Mistake{[](Config& c) { c.mutable_agents(0)->add_overridable("budget"); },
                "agents[0].overridable[1]: found \"budget\", allowed model, instructions, "
                "generation or tools"},
        Mistake{[](Config& c) { c.mutable_agents(0)->add_tools()->set_name("look up"); },
                "agents[0].tools[0].name: found \"look up\", allowed 1 to 64 of [A-Za-z0-9_-]"},
        Mistake{
            [](Config& c) {
              c.mutable_agents(0)->add_tools()->set_name("look_up");
              c.mutable_agents(0)->add_tools()->set_name("look_up");
            },
            "agents[0].tools[1].name: found \"look_up\", allowed a name that no other tool has"},
        Mistake{[](Config& c) {
                  c.mutable_agents(0)->add_tools()->set_name("look_up");
                  c.mutable_agents(0)->mutable_tools(0)->set_parameters("[]");
                },
                "agents[0].tools[0].parameters: found no JSON object, allowed a JSON Schema"},
        Mistake{[](Config& c) {
                  c.mutable_agents(0)->add_tools()->set_name("look_up");
                  c.mutable_agents(0)->mutable_generation()->mutable_tool_choice()->set_tool("x");
                },
                "agents[0].generation.tool_choice.tool: found \"x\", allowed a tool of the agent; "
                "known are look_up"},
        Mistake{[](Config& c) { c.mutable_agents(0)->mutable_generation()->set_temperature(3); },
                "agents[0].generation.temperature: found \"3\", allowed 0 to 2"},
        Mistake{
            [](Config& c) { c.mutable_agents(0)->mutable_generation()->set_max_output_tokens(0); },
            "agents[0].generation.max_output_tokens: found \"0\", allowed at least 1"},
        Mistake{[](Config& c) {
                  for (int i = 0; i < 5; ++i) {
                    c.mutable_agents(0)->mutable_generation()->add_stop("x");
                  }
                },
                "agents[0].generation.stop: found 5 sequences, allowed 4"}));

TEST(ValidateConfig, TakesKeySetsOverTlsOrOfThisMachine) {
  Config config = Good();
  config::v1::Jwks& jwks = JwksAloneOf(config);
  for (const char* url : {"https://issuer.test/jwks", "https://issuer.test:8443/a?b=c@d",
                          "http://127.0.0.1:80/", "http://localhost/x", "http://[::1]:1/x"}) {
    jwks.set_url(url);

    EXPECT_TRUE(ValidateConfig(config).ok()) << url << ValidateConfig(config);
  }
  for (const char* url :
       {"http://issuer.test/jwks", "http://127.0.0.1.evil.test/", "http://localhost.evil.test/",
        "http://127.0.0.1@evil.test/", "http://[::2]/", "http://[::1", "https://", "https:///x",
        "https://u:p@issuer.test/", "https://issuer.test/#a", "https://issuer.test/a b",
        "ftp://issuer.test/", "file:///etc/keys", "issuer.test", "HTTPS://issuer.test/", "",
        "https://issuer.test/\n"}) {
    jwks.set_url(url);

    EXPECT_EQ(ValidateConfig(config).message(),
              absl::StrCat("identity.issuers[0].jwks.url: found \"", absl::CEscape(url),
                           "\", allowed an https:// URL, or http:// of 127.0.0.1, [::1] or "
                           "localhost; without user and fragment"));
  }
}

}  // namespace
}  // namespace penstock::host
