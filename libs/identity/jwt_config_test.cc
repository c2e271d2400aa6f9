// What configuration of issuers and keys is refused, and by which path.
#include <filesystem>
#include <fstream>

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include "libs/identity/jwt.h"
#include "libs/identity/jwt_signer.h"

#include "absl/strings/escaping.h"
#include "absl/strings/str_cat.h"

namespace penstock::identity {
namespace {

using ::testing::AllOf;
using ::testing::HasSubstr;
using ::testing::StartsWith;

class JwtConfig : public ::testing::Test {
 protected:
  JwtConfig() {
    config::v1::Issuer& issuer = *config_.add_issuers();
    issuer.set_issuer("https://issuer.test");
    issuer.set_audience("penstock");
    issuer.add_tenants("acme");
    config::v1::Key& key = *issuer.add_keys();
    key.set_algorithm("HS256");
    key.set_secret(absl::Base64Escape(std::string(32, 's')));
  }
  ~JwtConfig() override { std::filesystem::remove(file_); }

  config::v1::Issuer& issuer() { return *config_.mutable_issuers(0); }
  config::v1::Key& key() { return *issuer().mutable_keys(0); }

  // Makes the key one of `algorithm` with this text in its file.
  void SetKeyFile(const std::string& algorithm, const std::string& text) {
    std::ofstream(file_, std::ios::binary) << text;
    key().clear_secret();
    key().set_algorithm(algorithm);
    key().set_public_key_file(file_);
  }
  std::string Error() {
    const auto verifier = JwtVerifier::Create(config_, {"free"});
    return verifier.ok() ? "accepted" : std::string(verifier.status().message());
  }

  config::v1::Identity config_;
  const std::string file_ = absl::StrCat(
      ::testing::TempDir(), "/", ::testing::UnitTest::GetInstance()->current_test_info()->name(),
      ".", ::getpid(), ".pem");
};

TEST_F(JwtConfig, OfOneSecretIsAccepted) { EXPECT_EQ(Error(), "accepted"); }

TEST_F(JwtConfig, NeedsAnIssuerWithNameAudienceTenantsAndKeys) {
  EXPECT_THAT(JwtVerifier::Create({}, {}).status().message().data(),
              StartsWith("identity.issuers: "));
  const config::v1::Identity good = config_;

  issuer().clear_issuer();
  EXPECT_THAT(Error(), StartsWith("identity.issuers[0].issuer: missing"));
  config_ = good;
  issuer().clear_audience();
  EXPECT_THAT(Error(), StartsWith("identity.issuers[0].audience: empty"));
  config_ = good;
  issuer().clear_tenants();
  EXPECT_THAT(Error(), StartsWith("identity.issuers[0].tenants: empty"));
  config_ = good;
  issuer().add_tenants("");
  EXPECT_THAT(Error(), StartsWith("identity.issuers[0].tenants[1]: found 0 bytes"));
  config_ = good;
  issuer().clear_keys();
  EXPECT_THAT(Error(), StartsWith("identity.issuers[0].keys: empty"));
  config_ = good;
  config_.mutable_leeway()->set_seconds(61);
  EXPECT_THAT(Error(), StartsWith("identity.leeway: found 1m1s, allowed 0s to 60s"));
}

TEST_F(JwtConfig, RefusesTheSameIssuerTwice) {
  *config_.add_issuers() = issuer();

  EXPECT_THAT(Error(),
              StartsWith("identity.issuers[1].issuer: \"https://issuer.test\" is there twice"));
}

TEST_F(JwtConfig, NeedsOneKidForEachOfSeveralKeys) {
  *issuer().add_keys() = key();
  EXPECT_THAT(Error(), StartsWith("identity.issuers[0].keys[0].kid: missing"));

  key().set_kid("a");
  issuer().mutable_keys(1)->set_kid("a");
  EXPECT_THAT(Error(), StartsWith("identity.issuers[0].keys[1].kid: \"a\" is there twice"));
}

TEST_F(JwtConfig, RefusesUnknownAlgorithms) {
  for (const char* algorithm : {"", "none", "hs256", "PS256", "HS512"}) {
    key().set_algorithm(algorithm);
    EXPECT_THAT(Error(), AllOf(StartsWith("identity.issuers[0].keys[0].algorithm: found"),
                               HasSubstr("expected HS256, RS256 or ES256")));
  }
}

TEST_F(JwtConfig, RefusesWeakAndGarbledSecretsWithoutShowingThem) {
  key().set_secret(absl::Base64Escape(std::string(31, 's')));
  EXPECT_THAT(Error(), StartsWith("identity.issuers[0].keys[0].secret: found 31 bytes"));

  key().set_secret("hunter2!");
  EXPECT_THAT(Error(), StartsWith("identity.issuers[0].keys[0].secret: not base64"));
  EXPECT_THAT(Error(), ::testing::Not(HasSubstr("hunter2")));

  key().set_secret(absl::Base64Escape(std::string(32, 's')));
  key().set_public_key_file("key.pem");
  EXPECT_THAT(Error(), StartsWith("identity.issuers[0].keys[0].public_key_file: set for HS256"));

  key().set_algorithm("ES256");
  EXPECT_THAT(Error(), StartsWith("identity.issuers[0].keys[0].secret: set for a public-key"));
}

TEST_F(JwtConfig, RefusesFilesWithoutAPublicKey) {
  constexpr absl::string_view kPath = "identity.issuers[0].keys[0].public_key_file: ";
  const KeyPem ec = GenerateKeyPem(JwtAlgorithm::kEs256).value();
  key().set_algorithm("ES256");
  key().clear_secret();
  EXPECT_THAT(Error(), StartsWith(absl::StrCat(kPath, "missing")));

  key().set_public_key_file("/nonexistent/key.pem");
  EXPECT_THAT(Error(), StartsWith(absl::StrCat(kPath, "cannot read \"/nonexistent/key.pem\"")));
  key().set_public_key_file(::testing::TempDir());
  EXPECT_THAT(Error(), StartsWith(absl::StrCat(kPath, "cannot read")));
  SetKeyFile("ES256", "not a key");
  EXPECT_THAT(Error(), HasSubstr("is no PEM public key"));
  SetKeyFile("ES256", "");
  EXPECT_THAT(Error(), HasSubstr("is no PEM public key"));
  SetKeyFile("ES256", ec.private_key);
  EXPECT_THAT(Error(), HasSubstr("holds a private key"));
  SetKeyFile("ES256", ec.public_key);
  EXPECT_EQ(Error(), "accepted");
}

// Made with `openssl genpkey` and `openssl pkey -pubout`.
constexpr char kRsa1024[] = R"(-----BEGIN PUBLIC KEY-----
MIGfMA0GCSqGSIb3DQEBAQUAA4GNADCBiQKBgQD1cA9ONMrgJnPsbVW16st8+IvW
mi2nkXMMxtewRDlFzVTSfPcVHJ20ZQImeZkHVCdKID4SvoWmjgpWF2J4LYucbqWf
ZCe0bzJ4A79DkYqWx+k/Adqn3hovIQJk4JNBfA5ZUIBR5R/b7px0S6wYWz3FtfRZ
8S1kCHhb1xUs4E+tFwIDAQAB
-----END PUBLIC KEY-----
)";
constexpr char kP384[] = R"(-----BEGIN PUBLIC KEY-----
MHYwEAYHKoZIzj0CAQYFK4EEACIDYgAEQjpaDQxgiGBY+0EmUuogdtUVlTb375uN
OuTXDSbcJQ3tLT7zS1cDYjZfpcIToufpvfDoDkLeu9yOs5pHBBZFvOFzrkNMxpR/
ZBWsQFW1tEfA9UmbDcHy2MvbhvAgZ6HM
-----END PUBLIC KEY-----
)";
constexpr char kSecp256k1[] = R"(-----BEGIN PUBLIC KEY-----
MFYwEAYHKoZIzj0CAQYFK4EEAAoDQgAETR7FKpbtDOxXBA+tp3WDt5BBlbcOj8Zy
k5onVsSLwHzUZ6kAwXgM/y2FbiPMEGswMVVhdNRJSdgSx5Cpch+eRw==
-----END PUBLIC KEY-----
)";
constexpr char kEd25519[] = R"(-----BEGIN PUBLIC KEY-----
MCowBQYDK2VwAyEABtHkCkIBESEoBps+bn+ZyQ/K7ZaULIq6KSQyCwfLv58=
-----END PUBLIC KEY-----
)";

TEST_F(JwtConfig, RefusesKeysThatDoNotFitTheAlgorithm) {
  SetKeyFile("RS256", kRsa1024);
  EXPECT_THAT(Error(), HasSubstr("RSA key of 1024 bits, expected at least 2048"));
  SetKeyFile("ES256", kRsa1024);
  EXPECT_THAT(Error(), HasSubstr("no elliptic-curve key"));
  SetKeyFile("ES256", kP384);
  EXPECT_THAT(Error(), HasSubstr("curve secp384r1, expected prime256v1"));
  SetKeyFile("ES256", kSecp256k1);
  EXPECT_THAT(Error(), HasSubstr("curve secp256k1, expected prime256v1"));
  SetKeyFile("ES256", kEd25519);
  EXPECT_THAT(Error(), HasSubstr("no elliptic-curve key"));
  SetKeyFile("RS256", kP384);
  EXPECT_THAT(Error(), HasSubstr("no RSA key"));
}

TEST(JwtSigner, RefusesKeysOfAnotherAlgorithm) {
  const KeyPem ec = GenerateKeyPem(JwtAlgorithm::kEs256).value();

  EXPECT_FALSE(JwtSigner::Create(JwtAlgorithm::kRs256, ec.private_key, "").ok());
  EXPECT_FALSE(JwtSigner::Create(JwtAlgorithm::kEs256, ec.public_key, "").ok());
  EXPECT_FALSE(JwtSigner::Create(JwtAlgorithm::kHs256, "short", "").ok());
  EXPECT_FALSE(GenerateKeyPem(JwtAlgorithm::kHs256).ok());
}

}  // namespace
}  // namespace penstock::identity
