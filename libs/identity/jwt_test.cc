#include "libs/identity/jwt.h"

#include <thread>
#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "libs/base/refusal.h"
#include "libs/identity/testing.h"
#include "libs/identity/token_lab.h"

#include "absl/container/flat_hash_set.h"
#include "absl/strings/str_cat.h"

namespace penstock::identity {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

constexpr JwtAlgorithm kAlgorithms[] = {JwtAlgorithm::kHs256, JwtAlgorithm::kRs256,
                                        JwtAlgorithm::kEs256};

using Claims = std::map<std::string, std::string>;

std::string TokenWith(const Claims& claims, JwtAlgorithm algorithm = JwtAlgorithm::kHs256) {
  return absl::StrCat("Bearer ",
                      SharedTokenLab().SignerOf(algorithm).SignPayload(TokenLab::Payload(claims)));
}

absl::StatusOr<Principal> Verify(const std::string& authorization,
                                 const std::string& on_behalf_of = "") {
  return SharedTokenLab().verifier().Verify(authorization, on_behalf_of, TokenLab::Now());
}

TEST(Jwt, OfEachAlgorithmNamesItsUser) {
  for (const JwtAlgorithm algorithm : kAlgorithms) {
    const auto principal = Verify(
        TokenWith({{"tenant", R"("beta")"}, {"tier", R"("paid")"}, {"scope", R"("chat operator")"}},
                  algorithm));

    ASSERT_TRUE(principal.ok()) << NameOf(algorithm) << ": " << principal.status();
    EXPECT_EQ(principal->tenant, "beta");
    EXPECT_EQ(principal->user, "ann");
    EXPECT_EQ(principal->tier, "paid");
    EXPECT_THAT(principal->scopes, ElementsAre("chat", "operator"));
    EXPECT_EQ(principal->admitted, TokenLab::Now());
    EXPECT_EQ(principal->turn, "");
    EXPECT_EQ(principal->key, UserKeyForTest("beta", "ann"));
  }
}

TEST(Jwt, MayLeaveOutTenantTierAndScope) {
  const auto principal = Verify(TokenWith({}));

  ASSERT_TRUE(principal.ok()) << principal.status();
  EXPECT_EQ(principal->tenant, "acme");
  EXPECT_EQ(principal->tier, "free");
  EXPECT_THAT(principal->scopes, IsEmpty());
}

TEST(Jwt, OfATierThatIsNotConfiguredIsRefusedWithThoseThatAre) {
  const absl::Status refused = Verify(TokenWith({{"tier", R"("gold")"}})).status();

  EXPECT_EQ(ReasonOf(refused), "TOKEN_MALFORMED");
  EXPECT_EQ(refused.message(),
            "token: claim `tier`: found \"gold\", expected one of tiers[]: free, paid; get a token "
            "that says so");
}

TEST(Jwt, OfTheSignerIsAccepted) {
  const TokenContent content = {.issuer = "https://issuer.test",
                                .audience = "penstock",
                                .subject = "zo\xc3\xab \"z\"",
                                .tenant = "beta",
                                .tier = "paid",
                                .scopes = {"act", "chat"},
                                .issued_at = TokenLab::Now(),
                                .expires = TokenLab::Now() + absl::Minutes(5)};
  for (const JwtAlgorithm algorithm : kAlgorithms) {
    const auto principal =
        Verify(absl::StrCat("Bearer ", SharedTokenLab().SignerOf(algorithm).Sign(content)));

    ASSERT_TRUE(principal.ok()) << principal.status();
    EXPECT_EQ(principal->user, content.subject);
    EXPECT_THAT(principal->scopes, ElementsAre("act", "chat"));
  }
}

TEST(Jwt, IsAcceptedInTheShapesIssuersWrite) {
  const std::vector<Claims> shapes = {
      {{"aud", R"(["other","penstock"])"}},
      {{"aud", R"(["p\u0065nstock"])"}},
      {{"exp", "1800000300.75"}},
      {{"exp", "1.8000003e9"}},
      {{"scope", R"("")"}},
      {{"extra", R"({"deep":[1,{"x":null}],"text":"\ud83d\ude00"})"}},
      {{"sub", absl::StrCat("\"", std::string(128, 'u'), "\"")}},
      {{"iat", ""}},
  };
  for (const Claims& shape : shapes) {
    const auto principal = Verify(TokenWith(shape));
    EXPECT_TRUE(principal.ok()) << shape.begin()->second << ": " << principal.status();
  }
}

TEST(Jwt, SchemeAndTypeAreReadWithoutCase) {
  const std::string token = TokenWith({}).substr(7);
  const std::string typed =
      SharedTokenLab()
          .SignerOf(JwtAlgorithm::kHs256)
          .SignParts(R"({"typ":"AT+JWT","kid":"hs","alg":"HS256"})", TokenLab::Payload());

  EXPECT_TRUE(Verify("bearer " + token).ok());
  EXPECT_TRUE(Verify("BEARER " + token).ok());
  EXPECT_TRUE(Verify("Bearer " + typed).ok());
}

TEST(Jwt, IsValidToTheSecondWithinTheLeeway) {
  const int64_t now = absl::ToUnixSeconds(TokenLab::Now());
  const auto valid = [now](const char* claim, int64_t offset) {
    return Verify(TokenWith({{claim, absl::StrCat(now + offset)}})).ok();
  };

  EXPECT_TRUE(valid("exp", -29));
  EXPECT_FALSE(valid("exp", -30));
  EXPECT_FALSE(valid("exp", -31));
  for (const char* claim : {"nbf", "iat"}) {
    EXPECT_TRUE(valid(claim, 29));
    EXPECT_TRUE(valid(claim, 30));
    EXPECT_FALSE(valid(claim, 31));
  }
}

TEST(Jwt, OfAnIssuerWithOneKeyNeedsNoKid) {
  const std::string payload = TokenLab::Payload({{"iss", R"("https://other.test")"}});
  const std::string token =
      SharedTokenLab().other_signer().SignParts(R"({"alg":"HS256"})", payload);

  const auto principal = Verify("Bearer " + token);

  ASSERT_TRUE(principal.ok()) << principal.status();
  EXPECT_EQ(principal->tenant, "other");
}

TEST(Jwt, RefusalNamesTheKeyAndWhatToDo) {
  const absl::Status status =
      Verify(TokenWith({{"exp", "1799999000"}}, JwtAlgorithm::kEs256)).status();

  EXPECT_EQ(MetadataOf(status, "kid"), "es");
  EXPECT_EQ(
      status.message(),
      "token: expired at 2027-01-15T07:43:20Z, now it is 2027-01-15T08:00:00Z; get a new token");
}

TEST(Jwt, OfNearlyEqualUsersHasDifferentKeys) {
  absl::flat_hash_set<UserKey> keys;
  const std::vector<std::pair<std::string, std::string>> users = {
      {"acme", "u1"},  {"acme", "u11"}, {"acme", "U1"},      {"acme", "a/b"},
      {"beta", "a/b"}, {"acme", "b"},   {"acme", "\\u00e9"}, {"acme", "e\\u0301"},
      {"acme", "u 1"}, {"beta", "u1"},  {"acme", "acme/u1"}, {"acme", "\\uff551"}};
  for (const auto& [tenant, user] : users) {
    const auto principal = Verify(TokenWith(
        {{"tenant", absl::StrCat("\"", tenant, "\"")}, {"sub", absl::StrCat("\"", user, "\"")}}));
    ASSERT_TRUE(principal.ok()) << principal.status();
    keys.insert(principal->key);
  }

  EXPECT_EQ(keys.size(), users.size());
}

TEST(ActAs, SpeaksForTheNamedUserInTheTokensTenant) {
  const std::string token = TokenWith({{"scope", R"("chat act_as")"}, {"tenant", R"("beta")"}});

  const auto principal = SharedTokenLab().verifier().Authenticate(
      {.authorization = token, .on_behalf_of = "customer 7/b"}, TokenLab::Now());

  ASSERT_TRUE(principal.ok()) << principal.status();
  EXPECT_EQ(principal->user, "customer 7/b");
  EXPECT_EQ(principal->key, UserKeyForTest("beta", "customer 7/b"));
  EXPECT_TRUE(principal->HasScope("act_as"));
}

TEST(ActAs, WithoutTheScopeIsDenied) {
  for (const char* scope : {R"("")", R"("chat")", R"("act")", R"("act_as2")", R"("Act_As")"}) {
    const absl::Status status = Verify(TokenWith({{"scope", scope}}), "bob").status();

    EXPECT_EQ(status.code(), absl::StatusCode::kPermissionDenied) << scope;
    EXPECT_EQ(ReasonOf(status), "SCOPE_MISSING");
    EXPECT_EQ(MetadataOf(status, "scope"), "act_as");
  }
}

TEST(ActAs, WithoutAUserIsRefused) {
  const absl::Status status = Verify(TokenWith({{"scope", R"("act_as")"}})).status();

  EXPECT_EQ(status.code(), absl::StatusCode::kUnauthenticated);
  EXPECT_EQ(ReasonOf(status), "ACT_AS_REQUIRED");
  EXPECT_EQ(MetadataOf(status, "kid"), "hs");
}

TEST(ActAs, TakesOnlyPrintableUserNames) {
  const std::string token = TokenWith({{"scope", R"("act_as")"}});

  EXPECT_TRUE(Verify(token, std::string(128, 'u')).ok());
  for (const std::string& user :
       {std::string(129, 'u'), std::string("a\tb"), std::string("a\0b", 3), std::string("\xc3\xa9"),
        std::string(" a"), std::string("a "), std::string(" "), std::string("a\x7f")}) {
    const absl::Status status = Verify(token, user).status();

    EXPECT_EQ(ReasonOf(status), "FIELD_INVALID") << user;
    EXPECT_EQ(MetadataOf(status, "field"), "penstock-on-behalf-of");
  }
}

TEST(JwtVerifier, ChecksTokensOfManyThreadsAtOnce) {
  std::vector<std::string> tokens;
  for (const JwtAlgorithm algorithm : kAlgorithms) tokens.push_back(TokenWith({}, algorithm));
  std::vector<int> accepted(4);
  std::vector<std::thread> threads;
  for (int& count : accepted) {
    threads.emplace_back([&tokens, &count] {
      for (size_t i = 0; i < 150; ++i) count += Verify(tokens[i % tokens.size()]).ok() ? 1 : 0;
    });
  }
  for (std::thread& thread : threads) thread.join();

  EXPECT_THAT(accepted, ElementsAre(150, 150, 150, 150));
}

}  // namespace
}  // namespace penstock::identity
