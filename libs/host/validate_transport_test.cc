#include "libs/host/validate_transport.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "libs/host/config_loader.h"

namespace penstock::host {
namespace {

using config::v1::Config;
using testing::HasSubstr;
using testing::StartsWith;

Config WithFiles() {
  Config config;
  config.mutable_tls()->set_cert_file("tls.crt");
  config.mutable_tls()->set_key_file("tls.key");
  config.mutable_tls()->set_ca_file("ca.crt");
  return config;
}

std::string MessageFor(const Config& config) {
  return std::string(ValidateTransport(config).message());
}

TEST(ValidateTransport, TakesNoTlsAndAllOfIt) {
  EXPECT_TRUE(ValidateTransport({}).ok());
  EXPECT_TRUE(ValidateTransport(WithFiles()).ok());
}

TEST(ValidateTransport, WantsTheThreeFilesTogether) {
  Config no_key = WithFiles();
  no_key.mutable_tls()->clear_key_file();
  EXPECT_EQ(MessageFor(no_key), "tls.key_file: required with tls.cert_file, and absent");
  Config no_authorities = WithFiles();
  no_authorities.mutable_tls()->clear_ca_file();
  EXPECT_EQ(MessageFor(no_authorities), "tls.ca_file: required with tls.cert_file, and absent");
  Config no_certificate = WithFiles();
  no_certificate.mutable_tls()->clear_cert_file();
  EXPECT_EQ(MessageFor(no_certificate), "tls.cert_file: required with tls.key_file, and absent");
}

TEST(ValidateTransport, TakesDnsNamesPatternsAndUrisOfCallers) {
  Config config = WithFiles();
  for (const char* name : {"gateway", "*.penstock.svc", "spiffe://mesh/ns/penstock/sa/gateway"}) {
    config.mutable_tls()->add_dispatcher_callers(name);
  }

  EXPECT_TRUE(ValidateTransport(config).ok()) << MessageFor(config);
}

TEST(ValidateTransport, NamesTheCallerThatIsNone) {
  for (const char* name : {"", "*", "*.", "a.*.b", "gate way", ".gateway", "://x", "https://"}) {
    Config config = WithFiles();
    config.mutable_tls()->add_session_state_callers("gateway");
    config.mutable_tls()->add_session_state_callers(name);

    EXPECT_THAT(MessageFor(config), StartsWith("tls.session_state_callers[1]: found ")) << name;
  }
}

TEST(ValidateTransport, TakesNoPatternForTheNameOfAService) {
  Config config = WithFiles();
  config.mutable_tls()->set_memory_recall_name("*.penstock.svc");

  EXPECT_THAT(MessageFor(config), HasSubstr("tls.memory_recall_name: found \"*.penstock.svc\""));
}

TEST(ValidateTransport, LetsServicesPingEachOther) {
  Config config;
  config.mutable_server()->mutable_min_ping_interval()->set_seconds(30);

  EXPECT_THAT(MessageFor(config), StartsWith("server.min_ping_interval: found \"30s\""));
}

TEST(ValidateTransport, IsAskedWhenAFileIsLoaded) {
  const auto config = ParseConfig(
      "providers: [{name: sim, base_url: 'http://127.0.0.1:1/v1'}]\n"
      "models: [{name: sim/echo}]\nagents: [{id: default, model: sim/echo}]\n"
      "tls: {cert_file: tls.crt}\n",
      "test");

  EXPECT_THAT(std::string(config.status().message()), HasSubstr("tls.key_file"));
}

}  // namespace
}  // namespace penstock::host
