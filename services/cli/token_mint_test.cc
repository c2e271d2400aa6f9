// Tokens that the command mints, given to the verifier of the gateway.

#include "services/cli/token_mint.h"

#include <cstdlib>
#include <fstream>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "libs/base/clock.h"
#include "libs/host/config_loader.h"
#include "libs/identity/jwt.h"
#include "libs/identity/jwt_signer.h"
#include "services/cli/key_file.h"

#include "absl/strings/escaping.h"
#include "absl/strings/str_cat.h"

namespace penstock::cli {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;

constexpr char kDevelopmentConfig[] = "deploy/config/standalone.yaml";

Arguments Given(std::map<std::string, std::vector<std::string>> flags) {
  Arguments arguments;
  for (auto& [name, values] : flags) arguments.flags[name] = values;
  return arguments;
}

absl::StatusOr<identity::Principal> VerifyWith(const config::v1::Identity& config,
                                               const std::string& token) {
  const auto verifier = identity::JwtVerifier::Create(config, {"free", "paid"});
  if (!verifier.ok()) return verifier.status();
  return (*verifier)->Verify("Bearer " + token, "", SystemClock().Now());
}

config::v1::Identity IssuerWith(const std::string& algorithm, const std::string& kid) {
  config::v1::Identity config;
  auto* issuer = config.add_issuers();
  issuer->set_issuer("https://issuer.test");
  issuer->set_audience("penstock");
  issuer->add_tenants("acme");
  issuer->add_keys()->set_algorithm(algorithm);
  issuer->mutable_keys(0)->set_kid(kid);
  return config;
}

class TokenMint : public testing::Test {
 protected:
  std::string File(const std::string& name, absl::string_view text) {
    const std::string path =
        absl::StrCat(testing::TempDir(),
                     testing::UnitTest::GetInstance()->current_test_info()->name(), ".", name);
    std::remove(path.c_str());
    EXPECT_EQ(WriteNewFile(path, text, 0600), absl::OkStatus());
    return path;
  }
};

TEST_F(TokenMint, TakesEverythingFromTheConfiguration) {
  const auto token = MintToken(Given({{"--config", {kDevelopmentConfig}},
                                      {"--user", {"you"}},
                                      {"--tier", {"paid"}},
                                      {"--scope", {"turns.action", "act_more"}}}));

  ASSERT_TRUE(token.ok()) << token.status();
  const auto config = host::LoadConfig(kDevelopmentConfig);
  ASSERT_TRUE(config.ok()) << config.status();
  const auto principal = VerifyWith(config->identity(), *token);
  ASSERT_TRUE(principal.ok()) << principal.status();
  EXPECT_EQ(principal->user, "you");
  EXPECT_EQ(principal->tenant, "dev");
  EXPECT_EQ(principal->tier, "paid");
  EXPECT_THAT(principal->scopes, ElementsAre("turns.action", "act_more"));
}

TEST_F(TokenMint, SignsWithTheKeyOfAFileWhicheverAlgorithmItIsFor) {
  for (const auto algorithm : {identity::JwtAlgorithm::kEs256, identity::JwtAlgorithm::kRs256}) {
    const auto pem = identity::GenerateKeyPem(algorithm);
    ASSERT_TRUE(pem.ok());
    config::v1::Identity config = IssuerWith(std::string(identity::NameOf(algorithm)), "k1");
    config.mutable_issuers(0)->mutable_keys(0)->set_public_key_file(File("pub", pem->public_key));

    const auto token = MintToken(Given({{"--issuer", {"https://issuer.test"}},
                                        {"--user", {"ann"}},
                                        {"--kid", {"k1"}},
                                        {"--key-file", {File("pem", pem->private_key)}}}));

    ASSERT_TRUE(token.ok()) << token.status();
    const auto principal = VerifyWith(config, *token);
    ASSERT_TRUE(principal.ok()) << principal.status();
    EXPECT_EQ(principal->user, "ann");
    EXPECT_EQ(principal->tenant, "acme");
  }
}

TEST_F(TokenMint, TakesTheSecretFromAFileOrTheEnvironment) {
  const std::string secret = absl::Base64Escape(std::string(32, 's'));
  config::v1::Identity config = IssuerWith("HS256", "k1");
  config.mutable_issuers(0)->mutable_keys(0)->set_secret(secret);
  setenv("PENSTOCK_TEST_SECRET", secret.c_str(), 1);
  const std::map<std::string, std::vector<std::string>> both = {
      {"--secret-file", {File("secret", secret + "\n")}},
      {"--secret-env", {"PENSTOCK_TEST_SECRET"}}};
  for (const auto& source : both) {
    Arguments arguments = Given({{"--issuer", {"https://issuer.test"}}, {"--user", {"ann"}}});
    arguments.flags.insert(source);

    const auto token = MintToken(arguments);

    ASSERT_TRUE(token.ok()) << token.status();
    EXPECT_TRUE(VerifyWith(config, *token).ok());
  }
}

TEST_F(TokenMint, IsValidForItsTtl) {
  const auto token = MintToken(
      Given({{"--config", {kDevelopmentConfig}}, {"--user", {"you"}}, {"--ttl", {"2m"}}}));
  ASSERT_TRUE(token.ok()) << token.status();
  const auto verifier =
      identity::JwtVerifier::Create(host::LoadConfig(kDevelopmentConfig)->identity(), {"free"});
  const absl::Time now = SystemClock().Now();

  EXPECT_TRUE((*verifier)->Verify("Bearer " + *token, "", now + absl::Seconds(110)).ok());
  EXPECT_FALSE((*verifier)->Verify("Bearer " + *token, "", now + absl::Minutes(3)).ok());
}

TEST_F(TokenMint, SaysWhatIsMissing) {
  const std::string issuer = "https://issuer.test";
  const std::vector<std::pair<Arguments, std::string>> cases = {
      {Given({}), "--user is missing"},
      {Given({{"--user", {"u"}}}), "--issuer is missing"},
      {Given({{"--user", {"u"}}, {"--issuer", {issuer}}}), "nothing to sign with"},
      {Given(
           {{"--user", {"u"}}, {"--issuer", {"penstock-dve"}}, {"--config", {kDevelopmentConfig}}}),
       "did you mean penstock-dev?"},
      {Given({{"--user", {"u"}}, {"--config", {kDevelopmentConfig}}, {"--tier", {"gold"}}}),
       "--tier: found 'gold', expected free or paid or unlimited"},
      {Given({{"--user", {"u"}}, {"--config", {kDevelopmentConfig}}, {"--kid", {"x"}}}),
       "has no HS256 key of that kid"},
      {Given({{"--user", {"u"}}, {"--issuer", {issuer}}, {"--secret-env", {"PENSTOCK_UNSET"}}}),
       "PENSTOCK_UNSET is not set"},
      {Given(
           {{"--user", {"u"}}, {"--issuer", {issuer}}, {"--secret-file", {File("s", "c2hvcnQ=")}}}),
       "32"},
      {Given({{"--user", {"u"}}, {"--issuer", {issuer}}, {"--key-file", {File("k", "no key")}}}),
       "is no unencrypted PEM private key"}};
  for (const auto& [arguments, message] : cases) {
    const absl::Status status = MintToken(arguments).status();

    EXPECT_THAT(std::string(status.message()), HasSubstr(message));
    EXPECT_TRUE(IsUsageError(status)) << status;
  }
}

TEST_F(TokenMint, NoKeyFileIsOverwritten) {
  const std::string path = File("pem", "old");

  EXPECT_EQ(WriteNewFile(path, "new", 0600).code(), absl::StatusCode::kAlreadyExists);
  EXPECT_EQ(*ReadKeyFile(path), "old");
}

}  // namespace
}  // namespace penstock::cli
