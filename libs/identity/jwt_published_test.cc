// Tokens of issuers that publish their keys.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "libs/base/proto_time.h"
#include "libs/base/refusal.h"
#include "libs/identity/jwk_text.h"
#include "libs/identity/token_lab.h"

#include "absl/strings/str_cat.h"

namespace penstock::identity {
namespace {

using ::testing::HasSubstr;
using ::testing::StartsWith;

const PublishedPair& PairOf(JwtAlgorithm algorithm) {
  static const auto& rs = *new PublishedPair(MakePublishedPair(JwtAlgorithm::kRs256, "rs"));
  static const auto& es = *new PublishedPair(MakePublishedPair(JwtAlgorithm::kEs256, "es"));
  return algorithm == JwtAlgorithm::kRs256 ? rs : es;
}
const PublishedPair& Rs() { return PairOf(JwtAlgorithm::kRs256); }
const PublishedPair& Es() { return PairOf(JwtAlgorithm::kEs256); }

// Two issuers, https://issuer.test of tenant acme and https://other.test of tenant other.
class JwtPublished : public ::testing::Test {
 protected:
  static config::v1::Identity Config() {
    config::v1::Identity config;
    for (const auto& [name, tenant] :
         {std::pair("https://issuer.test", "acme"), {"https://other.test", "other"}}) {
      config::v1::Issuer& issuer = *config.add_issuers();
      issuer.set_issuer(name);
      issuer.set_audience("penstock");
      issuer.add_tenants(tenant);
      config::v1::Jwks& jwks = *issuer.mutable_jwks();
      jwks.set_url(absl::StrCat(name, "/jwks"));
      *jwks.mutable_refresh_interval() = ToProto(absl::Minutes(10));
      *jwks.mutable_min_refresh_interval() = ToProto(absl::Seconds(10));
      *jwks.mutable_max_age() = ToProto(absl::Hours(24));
      jwks.set_max_bytes(1 << 18);
      jwks.set_max_keys(64);
      jwks.set_max_waiting_calls(1000);
    }
    return config;
  }

  // What the issuer's next fetch, ten minutes later, brings.
  void Publish(const std::vector<std::string>& jwks, size_t issuer = 0) {
    PublishedKeys& keys = *verifier_->published().at(issuer);
    now_ += absl::Minutes(10);
    ASSERT_TRUE(keys.Tick(now_));
    ASSERT_TRUE(keys.Finish(JwkSetOf(jwks)).ok());
  }
  absl::StatusOr<Principal> Verify(const std::string& token) {
    return verifier_->Verify("Bearer " + token, "", TokenLab::Now());
  }
  std::string ReasonFor(const std::string& token) {
    const auto principal = Verify(token);
    return principal.ok() ? "accepted" : ReasonOf(principal.status());
  }

  absl::Duration now_;
  std::unique_ptr<JwtVerifier> verifier_ = JwtVerifier::Create(Config(), {"free"}).value();
};

TEST_F(JwtPublished, CannotBeCheckedBeforeThereAreKeys) {
  const std::string token = Es().signer.SignPayload(TokenLab::Payload());

  const absl::Status refused = Verify(token).status();

  EXPECT_EQ(refused.code(), absl::StatusCode::kUnavailable);
  EXPECT_EQ(ReasonOf(refused), "STORE_UNAVAILABLE");
  EXPECT_EQ(RetryAfterOf(refused), absl::Seconds(1));
  EXPECT_EQ(MetadataOf(refused, "kid"), "es");
  EXPECT_THAT(std::string(refused.message()), HasSubstr("send the same request again"));
  Publish({Es().jwk, Rs().jwk});
  EXPECT_EQ(Verify(token)->tenant, "acme");
  EXPECT_EQ(ReasonFor(Rs().signer.SignPayload(TokenLab::Payload())), "accepted");
}

TEST_F(JwtPublished, OfAnUnknownKeyAreUnjudgedUntilTheIssuerWasAsked) {
  Publish({Es().jwk});
  const std::string token = Rs().signer.SignPayload(TokenLab::Payload());
  EXPECT_EQ(ReasonFor(token), "STORE_UNAVAILABLE");

  const auto missing = verifier_->MissingKeyOf("Bearer " + token);
  ASSERT_TRUE(missing.has_value());
  EXPECT_EQ(missing->keys, verifier_->published()[0]);
  EXPECT_EQ(missing->kid, "rs");
  ASSERT_EQ(missing->keys->Ask(missing->kid, now_), PublishedKeys::Hope::kLater);
  Publish({Es().jwk});

  EXPECT_EQ(ReasonFor(token), "TOKEN_KEY_UNKNOWN");
  EXPECT_EQ(Verify(token).status().code(), absl::StatusCode::kUnauthenticated);
  Publish({Es().jwk, Rs().jwk});
  EXPECT_EQ(ReasonFor(token), "accepted");
}

TEST_F(JwtPublished, OfAKeyThatWasTakenBackAreRefused) {
  Publish({Es().jwk, Rs().jwk});
  const std::string token = Es().signer.SignPayload(TokenLab::Payload());
  ASSERT_EQ(ReasonFor(token), "accepted");

  Publish({Rs().jwk});

  EXPECT_NE(ReasonFor(token), "accepted");
}

// The other issuer publishes this one's key: it may still speak for its own tenants alone.
TEST_F(JwtPublished, OfOneIssuerAreNotVouchedForByAnother) {
  const PublishedPair own = MakePublishedPair(JwtAlgorithm::kEs256, "own");
  Publish({Es().jwk}, 0);
  Publish({own.jwk, Rs().jwk}, 1);

  EXPECT_EQ(ReasonFor(own.signer.SignPayload(TokenLab::Payload())), "STORE_UNAVAILABLE");
  const std::string foreign =
      TokenLab::Payload({{"iss", R"("https://other.test")"}, {"tenant", R"("acme")"}});
  EXPECT_EQ(ReasonFor(own.signer.SignPayload(foreign)), "TOKEN_TENANT");
  EXPECT_EQ(
      ReasonFor(own.signer.SignPayload(TokenLab::Payload({{"iss", R"("https://other.test")"}}))),
      "accepted");
}

TEST_F(JwtPublished, AreCheckedWithTheAlgorithmOfTheKeyAlone) {
  Publish({Es().jwk, Rs().jwk});
  const std::string payload = TokenLab::Payload();
  const JwtSigner forger = JwtSigner::Create(JwtAlgorithm::kHs256, Rs().jwk, "rs").value();

  EXPECT_EQ(ReasonFor(forger.SignPayload(payload)), "TOKEN_ALGORITHM");
  EXPECT_EQ(ReasonFor(forger.SignParts(R"({"alg":"none","kid":"rs"})", payload)),
            "TOKEN_ALGORITHM");
  EXPECT_EQ(ReasonFor(Es().signer.SignParts(R"({"alg":"ES256","kid":"rs"})", payload)),
            "TOKEN_ALGORITHM");
  EXPECT_EQ(ReasonFor(Es().signer.SignParts(R"({"alg":"RS256","kid":"rs"})", payload)),
            "TOKEN_SIGNATURE");
}

// A kid that a published secret would have: the secret is no key of ours, whoever signs with it.
TEST_F(JwtPublished, AreNotCheckedWithASecretThatIsPublished) {
  const std::string secret(32, 's');
  Publish({Es().jwk, R"({"kty":"oct","alg":"HS256","kid":"hs","k":"c3Nzc3Nzc3Nzc3Nzc3M"})"});
  const JwtSigner forger = JwtSigner::Create(JwtAlgorithm::kHs256, secret, "hs").value();

  EXPECT_EQ(ReasonFor(forger.SignPayload(TokenLab::Payload())), "STORE_UNAVAILABLE");
}

TEST_F(JwtPublished, MayLeaveOutTheKidOfAnOnlyKey) {
  const std::string token = Es().signer.SignParts(R"({"alg":"ES256"})", TokenLab::Payload());
  EXPECT_EQ(ReasonFor(token), "STORE_UNAVAILABLE");
  EXPECT_EQ(verifier_->MissingKeyOf("Bearer " + token)->kid, std::nullopt);

  Publish({Es().jwk});
  EXPECT_EQ(ReasonFor(token), "accepted");
  Publish({Es().jwk, Rs().jwk});
  EXPECT_EQ(ReasonFor(token), "TOKEN_KEY_UNKNOWN");
  const std::string empty_kid =
      Es().signer.SignParts(R"({"alg":"ES256","kid":""})", TokenLab::Payload());
  EXPECT_EQ(ReasonFor(empty_kid), "TOKEN_KEY_UNKNOWN");
}

TEST_F(JwtPublished, MissNoKeyWhereNoneWouldHelp) {
  for (const std::string& authorization :
       {std::string(), std::string("Bearer x"), std::string("Basic eDp5"),
        "Bearer " + Es().signer.SignPayload(TokenLab::Payload({{"iss", R"("https://x")"}})),
        "Bearer " + Es().signer.SignParts(R"({"alg":"none","kid":"a"})", TokenLab::Payload())}) {
    EXPECT_FALSE(verifier_->MissingKeyOf(authorization).has_value()) << authorization;
  }
}

TEST_F(JwtPublished, NeedAConfigurationWithoutOtherKeys) {
  const auto error = [](const config::v1::Identity& config) {
    return std::string(JwtVerifier::Create(config, {}).status().message());
  };
  config::v1::Identity both = Config();
  both.mutable_issuers(1)->add_keys()->set_algorithm("HS256");
  EXPECT_THAT(error(both), StartsWith("identity.issuers[1].jwks: set beside keys"));

  config::v1::Identity ca = Config();
  ca.mutable_issuers(0)->mutable_jwks()->set_ca_file("/nonexistent/ca.pem");
  EXPECT_THAT(error(ca), StartsWith("identity.issuers[0].jwks.ca_file: cannot read \"/nonex"));
}

}  // namespace
}  // namespace penstock::identity
