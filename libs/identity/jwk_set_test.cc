#include "libs/identity/jwk_set.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "libs/identity/base64url.h"
#include "libs/identity/jwk_text.h"
#include "libs/identity/token_lab.h"

#include "absl/strings/str_cat.h"
#include "absl/strings/str_replace.h"

namespace penstock::identity {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::Pair;

constexpr JwkSetLimits kLimits = {.max_bytes = 64 * 1024, .max_keys = 8};

// A key that every set may hold beside the one that is looked at.
std::string Good() { return JwkOf(SharedTokenLab().ec().public_key, {{"kid", R"("good")"}}); }
std::string Rsa(const JwkMembers& members = {}) {
  return JwkOf(SharedTokenLab().rsa().public_key, members);
}
std::string Ec(const JwkMembers& members = {}) {
  return JwkOf(SharedTokenLab().ec().public_key, members);
}

absl::StatusOr<std::shared_ptr<const JwkSet>> Parse(const std::vector<std::string>& jwks) {
  return JwkSet::Parse(JwkSetOf(jwks), kLimits);
}

std::string Unsigned(absl::string_view bytes) {
  return absl::StrCat("\"", EncodeBase64Url(bytes), "\"");
}

TEST(JwkSet, KeysVerifyWhatTheirIssuerSigns) {
  const auto set = Parse({Rsa({{"kid", R"("rs")"}, {"alg", R"("RS256")"}, {"use", R"("sig")"}}),
                          Ec({{"kid", R"("es")"}, {"key_ops", R"(["verify"])"}})});

  ASSERT_TRUE(set.ok()) << set.status();
  EXPECT_THAT((*set)->left_out(), IsEmpty());
  for (const auto& [algorithm, kid] :
       {std::pair(JwtAlgorithm::kRs256, "rs"), {JwtAlgorithm::kEs256, "es"}}) {
    const std::string signature = SharedTokenLab().SignerOf(algorithm).Signature("input");
    const JwtKey* key = FindKey((*set)->keys(), kid);

    ASSERT_NE(key, nullptr) << kid;
    EXPECT_EQ(key->algorithm(), algorithm);
    EXPECT_TRUE(key->Verify("input", signature));
    EXPECT_FALSE(key->Verify("other", signature));
  }
  EXPECT_EQ(FindKey((*set)->keys(), "xx"), nullptr);
  EXPECT_EQ(FindKey((*set)->keys(), ""), nullptr);
  EXPECT_EQ(FindKey((*set)->keys(), std::nullopt), nullptr);
}

TEST(JwkSet, OnlyKeyNeedsNoKid) {
  const auto set = Parse({Ec()});

  ASSERT_TRUE(set.ok()) << set.status();
  EXPECT_EQ(FindKey((*set)->keys(), std::nullopt), &(*set)->keys().front());
  EXPECT_EQ(FindKey((*set)->keys(), ""), nullptr);
}

TEST(JwkSet, ReadsWhatIssuersWriteBeside) {
  const auto set = JwkSet::Parse(absl::StrCat(R"({"extra":{"a":[1]},"keys":[)",
                                              Ec({{"kid", R"("a")"},
                                                  {"x5c", R"(["AAAA"])"},
                                                  {"x5t", R"("AAAA")"},
                                                  {"issuer", R"("https://x")"},
                                                  {"use", R"("sig")"},
                                                  {"key_ops", R"(["sign","verify"])"}}),
                                              "]}\n"),
                                 kLimits);

  ASSERT_TRUE(set.ok()) << set.status();
  EXPECT_EQ((*set)->keys().size(), 1u);
}

struct LeftOut {
  const char* name;
  std::string jwk;
  JwkFlaw flaw;
};

// What has a key left out, beside a good one that stays.
std::vector<LeftOut> AllLeftOut() {
  constexpr char kP384[] =
      "-----BEGIN PUBLIC KEY-----\n"
      "MHYwEAYHKoZIzj0CAQYFK4EEACIDYgAEQjpaDQxgiGBY+0EmUuogdtUVlTb375uN\n"
      "OuTXDSbcJQ3tLT7zS1cDYjZfpcIToufpvfDoDkLeu9yOs5pHBBZFvOFzrkNMxpR/\n"
      "ZBWsQFW1tEfA9UmbDcHy2MvbhvAgZ6HM\n"
      "-----END PUBLIC KEY-----\n";
  const auto odd = [](size_t bytes) { return "\x80" + std::string(bytes - 2, '\x01') + "\x01"; };
  return {
      {"a secret", R"({"kty":"oct","k":"c2VjcmV0","alg":"HS256","kid":"k"})", JwkFlaw::kSymmetric},
      {"a secret that says it is for RS256", R"({"kty":"oct","k":"c2VjcmV0","alg":"RS256"})",
       JwkFlaw::kSymmetric},
      {"Ed25519", R"({"kty":"OKP","crv":"Ed25519","x":"AAAA"})", JwkFlaw::kOtherType},
      {"another spelling of RSA", Rsa({{"kty", R"("rsa")"}}), JwkFlaw::kOtherType},
      {"no type", Rsa({{"kty", ""}}), JwkFlaw::kMalformed},
      {"a type that is a number", Rsa({{"kty", "1"}}), JwkFlaw::kMalformed},
      {"a private EC key", Ec({{"d", R"("AAAA")"}}), JwkFlaw::kPrivate},
      {"a private RSA key", Rsa({{"d", R"("AAAA")"}}), JwkFlaw::kPrivate},
      {"a prime of an RSA key", Rsa({{"p", R"("AAAA")"}}), JwkFlaw::kPrivate},
      {"a private member of no type", Rsa({{"qi", "null"}}), JwkFlaw::kPrivate},
      {"a key for encryption", Rsa({{"use", R"("enc")"}}), JwkFlaw::kOtherUse},
      {"a use in capitals", Rsa({{"use", R"("SIG")"}}), JwkFlaw::kOtherUse},
      {"a use that is no text", Rsa({{"use", R"(["sig"])"}}), JwkFlaw::kMalformed},
      {"operations without verify", Ec({{"key_ops", R"(["encrypt"])"}}), JwkFlaw::kOtherUse},
      {"no operations", Ec({{"key_ops", "[]"}}), JwkFlaw::kOtherUse},
      {"an operation twice", Ec({{"key_ops", R"(["verify","verify"])"}}), JwkFlaw::kMalformed},
      {"operations that are no list", Ec({{"key_ops", R"("verify")"}}), JwkFlaw::kMalformed},
      {"an operation that is no text", Ec({{"key_ops", R"(["verify",1])"}}), JwkFlaw::kMalformed},
      {"RSA for PS256", Rsa({{"alg", R"("PS256")"}}), JwkFlaw::kOtherAlgorithm},
      {"RSA for HS256", Rsa({{"alg", R"("HS256")"}}), JwkFlaw::kOtherAlgorithm},
      {"RSA for ES256", Rsa({{"alg", R"("ES256")"}}), JwkFlaw::kOtherAlgorithm},
      {"EC for none", Ec({{"alg", R"("none")"}}), JwkFlaw::kOtherAlgorithm},
      {"an empty algorithm", Ec({{"alg", R"("")"}}), JwkFlaw::kOtherAlgorithm},
      {"an algorithm that is null", Ec({{"alg", "null"}}), JwkFlaw::kMalformed},
      {"a kid that is a number", Ec({{"kid", "1"}}), JwkFlaw::kMalformed},
      {"a kid of 513 bytes", Ec({{"kid", "\"" + std::string(513, 'k') + "\""}}),
       JwkFlaw::kMalformed},
      {"no modulus", Rsa({{"n", ""}}), JwkFlaw::kMalformed},
      {"no exponent", Rsa({{"e", ""}}), JwkFlaw::kMalformed},
      {"an empty modulus", Rsa({{"n", R"("")"}}), JwkFlaw::kMalformed},
      {"a modulus with padding", Rsa({{"n", R"("gAE=")"}}), JwkFlaw::kMalformed},
      {"a modulus with a leading zero", Rsa({{"n", Unsigned(std::string(1, '\0') + odd(256))}}),
       JwkFlaw::kMalformed},
      {"1,024 bits", Rsa({{"n", Unsigned(odd(128))}}), JwkFlaw::kWeak},
      {"2,047 bits", Rsa({{"n", Unsigned("\x40" + odd(256).substr(1))}}), JwkFlaw::kWeak},
      {"16,384 bits", Rsa({{"n", Unsigned(odd(2048))}}), JwkFlaw::kWeak},
      {"an even modulus", Rsa({{"n", Unsigned("\x80" + std::string(255, '\0'))}}), JwkFlaw::kWeak},
      {"an exponent of 1", Rsa({{"e", R"("AQ")"}}), JwkFlaw::kWeak},
      {"an exponent of 3", Rsa({{"e", R"("Aw")"}}), JwkFlaw::kWeak},
      {"an even exponent", Rsa({{"e", R"("AQAC")"}}), JwkFlaw::kWeak},
      {"an exponent of 2,000 bits", Rsa({{"e", Unsigned(odd(250))}}), JwkFlaw::kWeak},
      {"P-384", JwkOf(kP384, {{"crv", R"("P-384")"}}), JwkFlaw::kOtherCurve},
      {"P-384 that says it is P-256", JwkOf(kP384), JwkFlaw::kMalformed},
      {"secp256k1", Ec({{"crv", R"("secp256k1")"}}), JwkFlaw::kOtherCurve},
      {"no curve", Ec({{"crv", ""}}), JwkFlaw::kMalformed},
      {"no y", Ec({{"y", ""}}), JwkFlaw::kMalformed},
      {"an x of 31 bytes", Ec({{"x", Unsigned(std::string(31, '\x01'))}}), JwkFlaw::kMalformed},
      {"an x of 33 bytes", Ec({{"x", Unsigned(std::string(33, '\x01'))}}), JwkFlaw::kMalformed},
      {"a point off the curve", Ec({{"x", Unsigned(std::string(32, '\x01'))}}), JwkFlaw::kOffCurve},
      {"the point at infinity",
       Ec({{"x", Unsigned(std::string(32, '\0'))}, {"y", Unsigned(std::string(32, '\0'))}}),
       JwkFlaw::kOffCurve},
      {"coordinates beyond the field",
       Ec({{"x", Unsigned(std::string(32, '\xff'))}, {"y", Unsigned(std::string(32, '\xff'))}}),
       JwkFlaw::kOffCurve},
      {"no kid, beside another key", Ec(), JwkFlaw::kNoKid},
      {"an empty kid, beside another key", Ec({{"kid", R"("")"}}), JwkFlaw::kNoKid},
      {"an empty object", "{}", JwkFlaw::kMalformed},
  };
}

TEST(JwkSet, LeavesOutKeysItMustNotUse) {
  const std::vector<LeftOut> all = AllLeftOut();
  for (const LeftOut& left_out : all) {
    const auto set = Parse({left_out.jwk, Good()});

    ASSERT_TRUE(set.ok()) << left_out.name << ": " << set.status();
    EXPECT_THAT((*set)->left_out(), ElementsAre(Pair(left_out.flaw, 1))) << left_out.name;
    ASSERT_EQ((*set)->keys().size(), 1u) << left_out.name;
    EXPECT_EQ((*set)->keys().front().kid(), "good");
  }
  RecordProperty("left_out", static_cast<int>(all.size()));
}

TEST(JwkSet, KidOfTwoUsableKeysNamesNone) {
  const auto set =
      Parse({Ec({{"kid", R"("a")"}}), Rsa({{"kid", R"("a")"}}), Ec({{"kid", R"("\u0061")"}}),
             Rsa({{"kid", R"("b")"}, {"use", R"("enc")"}}), Rsa({{"kid", R"("b")"}}), Good()});

  ASSERT_TRUE(set.ok()) << set.status();
  EXPECT_EQ(FindKey((*set)->keys(), "a"), nullptr);
  EXPECT_EQ(FindKey((*set)->keys(), "b")->algorithm(), JwtAlgorithm::kRs256);
  EXPECT_THAT((*set)->left_out(),
              ElementsAre(Pair(JwkFlaw::kOtherUse, 1), Pair(JwkFlaw::kDuplicateKid, 3)));
}

TEST(JwkSet, RefusesADocumentThatIsNone) {
  const std::string good = JwkSetOf({Good()});
  const std::vector<std::pair<std::string, std::string>> documents = {
      {"", "is not a JSON object"},
      {"null", "is not a JSON object"},
      {"[]", "is not a JSON object"},
      {"<html>404</html>", "is not a JSON object"},
      {good.substr(0, good.size() - 1), "is not a JSON object"},
      {good + "x", "is not a JSON object"},
      {good + good, "is not a JSON object"},
      {"\xef\xbb\xbf" + good, "is not a JSON object"},
      {R"({"keys":[],"keys":[]})", "is not a JSON object with each member once"},
      {absl::StrReplaceAll(good, {{R"("kty")", R"("kty":"oct","\u006bty")"}}),
       "is not a JSON object with each member once"},
      {absl::StrCat(R"({"keys":)", std::string(5000, '['), "}"), "is not a JSON object"},
      {"{}", "has no array `keys`"},
      {R"({"keys":{}})", "has no array `keys`"},
      {R"({"keys":null})", "has no array `keys`"},
      {Good(), "has no array `keys`"},
      {R"({"keys":["a"]})", "has an element that is no object"},
      {absl::StrCat(R"({"keys":[)", Good(), ",null]}"), "has an element that is no object"},
      {R"({"keys":[]})", "found no key to use among 0 ()"},
      {JwkSetOf({R"({"kty":"oct","k":"AAAA"})", Rsa({{"use", R"("enc")"}})}),
       "found no key to use among 2 (1 symmetric, 1 other_use)"},
      {JwkSetOf({Ec({{"kid", R"("a")"}}), Ec({{"kid", R"("a")"}})}),
       "found no key to use among 2 (2 duplicate_kid)"},
      {JwkSetOf(std::vector<std::string>(9, "{}")), "found 9 keys, allowed at most 8"},
      {JwkSetOf({Ec({{"pad", "\"" + std::string(64 * 1024, 'x') + "\""}})}),
       "bytes, allowed at most 65536 (jwks.max_bytes)"},
  };
  for (const auto& [document, problem] : documents) {
    const auto set = JwkSet::Parse(document, kLimits);

    EXPECT_EQ(set.status().code(), absl::StatusCode::kInvalidArgument) << document.substr(0, 100);
    EXPECT_THAT(std::string(set.status().message()), HasSubstr(problem)) << document.substr(0, 100);
  }
}

TEST(JwkSet, CutAnywhereIsRefused) {
  const std::string good = JwkSetOf({Good(), Rsa({{"kid", R"("rs")"}})});
  for (size_t size = 0; size < good.size(); ++size) {
    EXPECT_FALSE(JwkSet::Parse(good.substr(0, size), kLimits).ok()) << size;
  }
}

}  // namespace
}  // namespace penstock::identity
