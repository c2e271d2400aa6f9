// Tokens that must not be accepted, and the reason each is refused with. A generated matrix: forms
// and headers once, bad claims under each algorithm with a good signature.
#include <string>
#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "libs/base/refusal.h"
#include "libs/identity/base64url.h"
#include "libs/identity/token_lab.h"

#include "absl/strings/escaping.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_replace.h"
#include "absl/strings/str_split.h"

namespace penstock::identity {
namespace {

using ::testing::HasSubstr;

struct Attack {
  std::string name;
  std::string authorization;
  std::string reason;
};
using Attacks = std::vector<Attack>;

constexpr JwtAlgorithm kAlgorithms[] = {JwtAlgorithm::kHs256, JwtAlgorithm::kRs256,
                                        JwtAlgorithm::kEs256};

const TokenLab& Lab() { return SharedTokenLab(); }
const JwtSigner& Hs() { return Lab().SignerOf(JwtAlgorithm::kHs256); }
const JwtSigner& Rs() { return Lab().SignerOf(JwtAlgorithm::kRs256); }
const JwtSigner& Es() { return Lab().SignerOf(JwtAlgorithm::kEs256); }

std::string Bearer(absl::string_view token) { return absl::StrCat("Bearer ", token); }
std::string ValidToken() { return Es().SignPayload(TokenLab::Payload()); }

std::string DerOf(const std::string& pem) {
  std::string base64;
  for (const absl::string_view line : absl::StrSplit(pem, '\n')) {
    if (!line.empty() && line[0] != '-') base64.append(line.data(), line.size());
  }
  std::string der;
  EXPECT_TRUE(absl::Base64Unescape(base64, &der));
  return der;
}

// 0. What a valid token is refused for when the verifier reads it carelessly.
Attacks Forms() {
  const std::string token = ValidToken();
  const std::vector<std::string> parts = absl::StrSplit(token, '.');
  const auto join = [](std::string a, std::string b, std::string c) {
    return absl::StrCat("Bearer ", a, ".", b, ".", c);
  };
  const std::string flattened = absl::StrCat(R"({"protected":")", parts[0], R"(","payload":")",
                                             parts[1], R"(","signature":")", parts[2], R"("})");
  Attacks attacks = {
      {"no metadata", "", "TOKEN_MISSING"},
      {"scheme alone", "Bearer ", "TOKEN_MISSING"},
      {"scheme without space", "Bearer", "TOKEN_MALFORMED"},
      {"no scheme", token, "TOKEN_MALFORMED"},
      {"scheme Basic", absl::StrCat("Basic ", token), "TOKEN_MALFORMED"},
      {"scheme DPoP", absl::StrCat("DPoP ", token), "TOKEN_MALFORMED"},
      {"colon", absl::StrCat("Bearer: ", token), "TOKEN_MALFORMED"},
      {"tab", absl::StrCat("Bearer\t", token), "TOKEN_MALFORMED"},
      {"two spaces", absl::StrCat("Bearer  ", token), "TOKEN_MALFORMED"},
      {"space after", Bearer(token + " "), "TOKEN_MALFORMED"},
      {"newline after", Bearer(token + "\n"), "TOKEN_MALFORMED"},
      {"zero byte after", Bearer(token + std::string(1, '\0')), "TOKEN_MALFORMED"},
      {"two tokens", Bearer(token + "," + token), "TOKEN_MALFORMED"},
      {"quoted", Bearer("\"" + token + "\""), "TOKEN_MALFORMED"},
      {"one part", Bearer(parts[0]), "TOKEN_MALFORMED"},
      {"two parts", Bearer(parts[0] + "." + parts[1]), "TOKEN_MALFORMED"},
      {"four parts", Bearer(token + "."), "TOKEN_MALFORMED"},
      {"five parts, as JWE", Bearer(token + ".a.b"), "TOKEN_MALFORMED"},
      {"dots alone", Bearer(".."), "TOKEN_MALFORMED"},
      {"JSON serialisation", Bearer(flattened), "TOKEN_MALFORMED"},
      {"5,000 bytes", Bearer(std::string(5000, 'A')), "TOKEN_MALFORMED"},
      {"100,000 dots", Bearer(std::string(100'000, '.')), "TOKEN_MALFORMED"},
      {"padding after the header", join(parts[0] + "=", parts[1], parts[2]), "TOKEN_MALFORMED"},
      {"padding after the payload", join(parts[0], parts[1] + "==", parts[2]), "TOKEN_MALFORMED"},
      {"padding after the signature", join(parts[0], parts[1], parts[2] + "=="), "TOKEN_MALFORMED"},
      {"space in the payload", join(parts[0], parts[1] + " ", parts[2]), "TOKEN_MALFORMED"},
      {"newline in the header", join(parts[0] + "\n", parts[1], parts[2]), "TOKEN_MALFORMED"},
      {"plain base64 +", join(parts[0], parts[1], "+" + parts[2].substr(1)), "TOKEN_MALFORMED"},
      {"plain base64 /", join(parts[0], parts[1], "/" + parts[2].substr(1)), "TOKEN_MALFORMED"},
      {"no signature", join(parts[0], parts[1], ""), "TOKEN_SIGNATURE"},
      {"no payload", join(parts[0], "", parts[2]), "TOKEN_MALFORMED"},
      {"no header", join("", parts[1], parts[2]), "TOKEN_MALFORMED"},
      {"payload of another token",
       join(parts[0], EncodeBase64Url(TokenLab::Payload({{"sub", "\"bob\""}})), parts[2]),
       "TOKEN_SIGNATURE"},
  };
  // 64 bytes are 86 characters: the last has four bits that mean nothing.
  const std::string alphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
  for (size_t bits = 1; bits < 16; ++bits) {
    std::string signature = parts[2];
    signature.back() = alphabet[alphabet.find(signature.back()) + bits];
    attacks.push_back({absl::StrCat("trailing bits ", bits), join(parts[0], parts[1], signature),
                       "TOKEN_MALFORMED"});
  }
  return attacks;
}

// 1. Headers, signed by the good key where that is possible at all.
Attacks Headers() {
  Attacks attacks;
  const auto add = [&](const std::string& header, const std::string& reason) {
    attacks.push_back({header, Bearer(Es().SignParts(header, TokenLab::Payload())), reason});
  };
  for (const char* alg :
       {"none", "None", "nOnE", "NONE", "", "HS384", "HS512", "RS384", "RS512", "ES384", "ES256K",
        "PS256", "EdDSA", "es256", "ES256 ", "ES256\\u0000", "RSA-OAEP", "dir"}) {
    const std::string header = absl::StrCat(R"({"alg":")", alg, R"(","kid":"es"})");
    add(header, "TOKEN_ALGORITHM");
    attacks.push_back({absl::StrCat("unsigned ", header),
                       absl::StrCat("Bearer ", EncodeBase64Url(header), ".",
                                    EncodeBase64Url(TokenLab::Payload()), "."),
                       "TOKEN_ALGORITHM"});
  }
  for (const char* alg : {R"(["ES256"])", "null", "0", "true", R"({"ES256":1})", "[]"}) {
    add(absl::StrCat(R"({"kid":"es","alg":)", alg, "}"), "TOKEN_MALFORMED");
  }
  add(R"({"kid":"es"})", "TOKEN_MALFORMED");
  for (const char* member :
       {R"("crit":["exp"])", R"("crit":[])", R"("crit":["b64"],"b64":false)", R"("b64":false)",
        R"("b64":true)", R"("zip":"DEF")", R"("enc":"A256GCM")", R"("typ":"logout+jwt")",
        R"("typ":"JWE")", R"("typ":["JWT"])", R"("typ":1)", R"("alg":"ES256")", R"("kid":"es")",
        R"("\u0061lg":"none")", R"("x":{"y":1,"y":2})", R"("x":[{"y":1,"\u0079":2}])"}) {
    add(absl::StrCat(R"({"alg":"ES256","kid":"es",)", member, "}"), "TOKEN_MALFORMED");
  }
  for (const char* header :
       {"", "null", "[]", "\"ES256\"", "{", R"({"alg":"ES256","kid":"es"}x)",
        R"({"alg":"ES256","kid":"es"}{})", R"({"alg":"ES256","kid":"es",})",
        R"({"alg":"ES256",/**/"kid":"es"})", R"({'alg':'ES256','kid':'es'})",
        "\xef\xbb\xbf{\"alg\":\"ES256\",\"kid\":\"es\"}", "{\"alg\":\"ES256\",\"kid\":\"\xff\"}",
        R"({"alg":"ES256","kid":"\ud800"})"}) {
    add(header, "TOKEN_MALFORMED");
  }
  add(absl::StrCat(R"({"alg":"ES256","kid":"es","x":)", std::string(1500, '['), "}"),
      "TOKEN_MALFORMED");
  return attacks;
}

// 2. The choice of the key.
Attacks Kids() {
  Attacks attacks;
  const auto add = [&](const std::string& kid, const std::string& reason) {
    attacks.push_back({absl::StrCat("kid ", kid.substr(0, 40)),
                       Bearer(Es().SignParts(absl::StrCat(R"({"alg":"ES256","kid":)", kid, "}"),
                                             TokenLab::Payload())),
                       reason});
  };
  for (const char* kid :
       {R"("../../../../dev/null")", R"("../ec.pem")", R"("' OR '1'='1")", R"("es' --")", R"("")",
        R"("ES")", R"("es ")", R"(" es")", R"("es\u0000")", R"("e\u0000s")", R"("*")", R"("|ls")",
        R"("https://evil.test/jwks")", R"("\u0435s")"}) {
    add(kid, "TOKEN_KEY_UNKNOWN");
  }
  add(absl::StrCat("\"", std::string(2000, 'k'), "\""), "TOKEN_KEY_UNKNOWN");
  add(absl::StrCat("\"", std::string(10'000, 'k'), "\""), "TOKEN_MALFORMED");
  for (const char* kid : {"null", "0", R"(["es"])", R"({"es":1})", "true"}) {
    add(kid, "TOKEN_MALFORMED");
  }
  attacks.push_back({"no kid, three keys",
                     Bearer(Es().SignParts(R"({"alg":"ES256"})", TokenLab::Payload())),
                     "TOKEN_KEY_UNKNOWN"});
  attacks.push_back({"the same kid of another issuer",
                     Bearer(Lab().other_signer().SignPayload(TokenLab::Payload())),
                     "TOKEN_SIGNATURE"});
  attacks.push_back({"our key in another issuer's name",
                     Bearer(Hs().SignPayload(TokenLab::Payload(
                         {{"iss", R"("https://other.test")"}, {"tenant", R"("other")"}}))),
                     "TOKEN_SIGNATURE"});
  attacks.push_back(
      {"a key that the other issuer does not have",
       Bearer(Es().SignPayload(TokenLab::Payload({{"iss", R"("https://other.test")"}}))),
       "TOKEN_KEY_UNKNOWN"});
  return attacks;
}

// 3. A public key taken for a secret, one algorithm for another, keys in the header.
Attacks Confusions() {
  Attacks attacks;
  for (const auto& [kid, pem] : {std::pair<std::string, std::string>{"rs", Lab().rsa().public_key},
                                 {"es", Lab().ec().public_key}}) {
    const std::string der = DerOf(pem);
    for (const std::string& secret :
         {pem, pem.substr(0, pem.size() - 1), absl::StrReplaceAll(pem, {{"\n", "\r\n"}}), der,
          EncodeBase64Url(der), absl::Base64Escape(der), der.substr(der.size() / 2)}) {
      const JwtSigner forger = JwtSigner::Create(JwtAlgorithm::kHs256, secret, kid).value();
      const std::string name = absl::StrCat(kid, " key of ", secret.size(), " bytes as secret");
      attacks.push_back({name, Bearer(forger.SignPayload(TokenLab::Payload())), "TOKEN_ALGORITHM"});
      const std::string under_hs =
          forger.SignParts(R"({"alg":"HS256","kid":"hs"})", TokenLab::Payload());
      attacks.push_back({name + " under kid hs", Bearer(under_hs), "TOKEN_SIGNATURE"});
    }
  }
  const auto add = [&](const JwtSigner& signer, const char* header, const char* reason) {
    attacks.push_back({header, Bearer(signer.SignParts(header, TokenLab::Payload())), reason});
  };
  add(Es(), R"({"alg":"ES256","kid":"rs"})", "TOKEN_ALGORITHM");
  add(Rs(), R"({"alg":"RS256","kid":"es"})", "TOKEN_ALGORITHM");
  add(Hs(), R"({"alg":"HS256","kid":"es"})", "TOKEN_ALGORITHM");
  add(Es(), R"({"alg":"RS256","kid":"rs"})", "TOKEN_SIGNATURE");
  add(Rs(), R"({"alg":"ES256","kid":"es"})", "TOKEN_SIGNATURE");
  add(Hs(), R"({"alg":"ES256","kid":"es"})", "TOKEN_SIGNATURE");
  add(Hs(), R"({"alg":"RS256","kid":"rs"})", "TOKEN_SIGNATURE");
  const KeyPem own = GenerateKeyPem(JwtAlgorithm::kEs256).value();
  const JwtSigner forger = JwtSigner::Create(JwtAlgorithm::kEs256, own.private_key, "es").value();
  add(forger, R"({"alg":"ES256","kid":"es"})", "TOKEN_SIGNATURE");
  add(forger, R"({"alg":"ES256","kid":"es","jku":"https://evil.test/jwks"})", "TOKEN_SIGNATURE");
  add(forger, R"({"alg":"ES256","kid":"es","x5u":"https://evil.test/x5"})", "TOKEN_SIGNATURE");
  add(forger, R"({"alg":"ES256","kid":"es","jwk":{"kty":"EC","crv":"P-256"}})", "TOKEN_SIGNATURE");
  add(forger, R"({"alg":"ES256","kid":"es","x5c":["AAAA"]})", "TOKEN_SIGNATURE");
  return attacks;
}

// 4. Signatures of a wrong shape.
Attacks Signatures() {
  Attacks attacks;
  const std::string payload = EncodeBase64Url(TokenLab::Payload());
  const auto add = [&](const char* header, const std::string& name, const std::string& signature) {
    attacks.push_back({absl::StrCat(header, " ", name),
                       absl::StrCat("Bearer ", EncodeBase64Url(header), ".", payload, ".",
                                    EncodeBase64Url(signature)),
                       "TOKEN_SIGNATURE"});
  };
  constexpr char kEs[] = R"({"alg":"ES256","kid":"es"})";
  const std::string good = Es().Signature(absl::StrCat(EncodeBase64Url(kEs), ".", payload));
  const std::string zero(32, '\0');
  const std::string order =
      absl::HexStringToBytes("ffffffff00000000ffffffffffffffffbce6faada7179e84f3b9cac2fc632551");
  add(kEs, "of zeros", zero + zero);
  add(kEs, "with r = 0", zero + good.substr(32));
  add(kEs, "with s = 0", good.substr(0, 32) + zero);
  add(kEs, "with r = n", order + good.substr(32));
  add(kEs, "with s = n", good.substr(0, 32) + order);
  add(kEs, "with r = s = n", order + order);
  add(kEs, "with r and s of ones", std::string(64, '\xff'));
  add(kEs, "with r and s swapped", good.substr(32) + good.substr(0, 32));
  add(kEs, "of 63 bytes", good.substr(0, 63));
  add(kEs, "of 65 bytes", good + '\0');
  add(kEs, "of 128 bytes", good + good);
  add(kEs, "in DER",
      absl::StrCat("\x30\x44\x02\x20", good.substr(0, 32), "\x02\x20", good.substr(32)));
  for (const char* header : {R"({"alg":"HS256","kid":"hs"})", R"({"alg":"RS256","kid":"rs"})"}) {
    const bool hs = absl::string_view(header).find("HS256") != absl::string_view::npos;
    const std::string input = absl::StrCat(EncodeBase64Url(header), ".", payload);
    const std::string signature = (hs ? Hs() : Rs()).Signature(input);
    add(header, "empty", "");
    add(header, "cut by half", signature.substr(0, signature.size() / 2));
    add(header, "one byte short", signature.substr(0, signature.size() - 1));
    add(header, "one byte long", signature + '\0');
    add(header, "of zeros", std::string(signature.size(), '\0'));
    add(header, "of ones", std::string(signature.size(), '\xff'));
  }
  return attacks;
}

// 5. Claims, properly signed with each algorithm.
Attacks Claims() {
  Attacks attacks;
  const auto add = [&](const std::string& payload, const std::string& reason) {
    for (const JwtAlgorithm algorithm : kAlgorithms) {
      attacks.push_back({absl::StrCat(NameOf(algorithm), " ", payload),
                         Bearer(Lab().SignerOf(algorithm).SignPayload(payload)), reason});
    }
  };
  const auto replace = [&](const char* claim, std::vector<std::string> values,
                           const std::string& reason) {
    for (const std::string& value : values) add(TokenLab::Payload({{claim, value}}), reason);
  };
  const int64_t now = absl::ToUnixSeconds(TokenLab::Now());
  const auto at = [now](int64_t offset) { return absl::StrCat(now + offset); };

  replace(
      "exp",
      {"", R"("1900000000")", "null", "true", "[1900000000]", "{}", "-1", "-1900000000", "1e400",
       "-1e400", "1e308", "253402300800", "9223372036854775807", "18446744073709551616", "1.9e18"},
      "TOKEN_MALFORMED");
  replace("exp", {"0", "-0", "1", "0.5", "1e-400", at(-30), at(-31), at(-300)}, "TOKEN_EXPIRED");
  for (const char* claim : {"nbf", "iat"}) {
    replace(claim, {R"("0")", "null", "[]", "-1", "1e400", "1e300"}, "TOKEN_MALFORMED");
    replace(claim, {at(31), at(300), "253402300799"}, "TOKEN_NOT_YET_VALID");
  }
  replace("aud",
          {"", R"("penstock2")", R"("pen")", R"("Penstock")", R"("penstock ")", R"("")", "[]",
           R"(["penstock2"])", R"(["pen","stock"])", R"(["penstock ","other"])"},
          "TOKEN_AUDIENCE");
  replace("aud",
          {"null", "1", R"({"penstock":1})", R"(["penstock",1])", R"([["penstock"]])",
           R"(["penstock",null])", R"([{"a":"penstock"}])"},
          "TOKEN_MALFORMED");
  replace("iss",
          {"", R"("https://issuer.test/")", R"("https://issuer.tes")", R"("http://issuer.test")",
           R"("HTTPS://ISSUER.TEST")", R"("https://issuer.test ")", R"("")", "null",
           R"(["https://issuer.test"])", R"("https://issuer.test\u0000")"},
          "TOKEN_ISSUER");
  replace("sub",
          {"", R"("")", "null", "1", R"(["ann"])", R"("ann\u0000")", R"("ann\n")",
           absl::StrCat("\"", std::string(129, 'u'), "\"")},
          "TOKEN_MALFORMED");
  replace(
      "tenant",
      {R"("other")", R"("acm")", R"("acme ")", R"("ACME")", R"("")", R"("acme/beta")", R"("*")"},
      "TOKEN_TENANT");
  replace("tenant", {"null", "1", R"(["acme"])", R"(["acme","other"])"}, "TOKEN_MALFORMED");
  replace("tier", {R"("gold")", R"("PAID")", R"("")", "null", "1", R"(["paid"])"},
          "TOKEN_MALFORMED");
  replace("scope",
          {"null", "1", R"(["act_as"])", R"("chat  act_as")", R"(" chat")", R"("a\tb")",
           R"("\u00e9")", R"("a\"b")"},
          "TOKEN_MALFORMED");
  for (const char* member :
       {R"("sub":"bob")", R"("s\u0075b":"bob")", R"("aud":"penstock")", R"("x":{"y":1,"y":1})"}) {
    std::string payload = TokenLab::Payload();
    payload.back() = ',';
    add(absl::StrCat(payload, member, "}"), "TOKEN_MALFORMED");
  }
  for (const char* payload : {"", "null", "[]", "\"ann\"", "{", "ann"}) {
    add(payload, "TOKEN_MALFORMED");
  }
  add(TokenLab::Payload() + "x", "TOKEN_MALFORMED");
  add(absl::StrCat(ValidToken()), "TOKEN_MALFORMED");  // nested
  return attacks;
}

void ExpectAllRefused(const Attacks& attacks) {
  for (const Attack& attack : attacks) {
    const absl::StatusOr<Principal> result =
        Lab().verifier().Verify(attack.authorization, "", TokenLab::Now());

    ASSERT_FALSE(result.ok()) << "ACCEPTED: " << attack.name;
    EXPECT_EQ(result.status().code(), absl::StatusCode::kUnauthenticated) << attack.name;
    EXPECT_EQ(ReasonOf(result.status()), attack.reason)
        << attack.name << ": " << result.status().message();
    // What is wrong; what to do next.
    EXPECT_THAT(std::string(result.status().message()), HasSubstr("; ")) << attack.name;
  }
}

TEST(JwtAttack, WithAnyFormIsRefused) { ExpectAllRefused(Forms()); }
TEST(JwtAttack, WithAnyHeaderIsRefused) { ExpectAllRefused(Headers()); }
TEST(JwtAttack, WithAnyKidIsRefused) { ExpectAllRefused(Kids()); }
TEST(JwtAttack, WithAnyConfusionOfKeysIsRefused) { ExpectAllRefused(Confusions()); }
TEST(JwtAttack, WithAnySignatureIsRefused) { ExpectAllRefused(Signatures()); }
TEST(JwtAttack, WithAnyClaimsIsRefused) { ExpectAllRefused(Claims()); }

TEST(JwtAttack, MatrixIsLargeEnough) {
  size_t count = 0;
  for (const Attacks& attacks :
       {Forms(), Headers(), Kids(), Confusions(), Signatures(), Claims()}) {
    count += attacks.size();
  }

  EXPECT_GE(count, 120u);
  RecordProperty("attacks", static_cast<int>(count));
}

TEST(JwtAttack, WithAnyBitFlippedIsRefused) {
  for (const JwtAlgorithm algorithm : kAlgorithms) {
    const std::string token = Lab().SignerOf(algorithm).SignPayload(TokenLab::Payload());
    ASSERT_TRUE(Lab().verifier().Verify(Bearer(token), "", TokenLab::Now()).ok());

    for (size_t bit = 0; bit < token.size() * 8; ++bit) {
      std::string flipped = token;
      flipped[bit / 8] = static_cast<char>(flipped[bit / 8] ^ (1 << (bit % 8)));

      EXPECT_FALSE(Lab().verifier().Verify(Bearer(flipped), "", TokenLab::Now()).ok())
          << NameOf(algorithm) << " bit " << bit;
    }
  }
}

}  // namespace
}  // namespace penstock::identity
