#include "libs/identity/token_attacks.h"

#include <utility>

#include "libs/identity/base64url.h"
#include "libs/identity/token_attack_collector.h"

#include "absl/strings/str_cat.h"
#include "absl/strings/str_replace.h"
#include "absl/strings/str_split.h"

namespace penstock::identity {
namespace {

std::string Unsigned(absl::string_view header, absl::string_view payload) {
  return absl::StrCat(EncodeBase64Url(header), ".", EncodeBase64Url(payload), ".");
}

}  // namespace

void TokenAttackCollector::Forms() {
  const std::string good = Good();
  const std::vector<std::string> parts = absl::StrSplit(good, '.');
  attacks.push_back({"no token at all", "", "TOKEN_MISSING"});
  attacks.push_back({"a token under scheme Basic", "Basic " + good, "TOKEN_MALFORMED"});
  attacks.push_back({"a token behind a tab", "Bearer\t" + good, "TOKEN_MALFORMED"});
  Token("two tokens in one header", absl::StrCat(good, ",", good), "TOKEN_MALFORMED");
  Token("a JWE of five parts", good + ".AAAA.AAAA", "TOKEN_MALFORMED");
  Token("an unsecured JWS without its last dot", absl::StrCat(parts[0], ".", parts[1]),
        "TOKEN_MALFORMED");
  Token("JSON serialisation, flattened",
        absl::StrCat(R"({"protected":")", parts[0], R"(","payload":")", parts[1],
                     R"(","signature":")", parts[2], R"("})"),
        "TOKEN_MALFORMED");
  Token("JSON serialisation that a splitter at dots takes for compact (two formats in one)",
        absl::StrCat(R"({"protected":")", good, R"("})"), "TOKEN_MALFORMED");
  Token("a nested JWS: the payload is a good token", Es().SignPayload(good), "TOKEN_MALFORMED");
  Token("a nested JWE", Es().SignPayload("eyJhbGciOiJkaXIifQ..AAAA.AAAA.AAAA"), "TOKEN_MALFORMED");
  Token("a token of 4,097 bytes", good + std::string(4097 - good.size(), 'A'), "TOKEN_MALFORMED");
  Token("a megabyte of base64", std::string(1 << 20, 'A'), "TOKEN_MALFORMED");
  Token("a hundred thousand dots", std::string(100'000, '.'), "TOKEN_MALFORMED");
  Token("a token without a signature", absl::StrCat(parts[0], ".", parts[1], "."),
        "TOKEN_SIGNATURE");
  Token("a token without a payload", absl::StrCat(parts[0], "..", parts[2]), "TOKEN_MALFORMED");
}

void TokenAttackCollector::Encodings() {
  const std::string good = Good();
  const size_t dot = good.find('.');
  Token("padding", good + "==", "TOKEN_MALFORMED");
  Token("white space at the end", good + " ", "TOKEN_MALFORMED");
  Token("a line break within", absl::StrCat(good.substr(0, dot), "\r\n", good.substr(dot)),
        "TOKEN_MALFORMED");
  Token("a zero byte at the end", good + std::string(1, '\0'), "TOKEN_MALFORMED");
  Token("percent encoding", absl::StrReplaceAll(good, {{".", "%2E"}}), "TOKEN_MALFORMED");
  Token("the alphabet of plain base64", "+/" + good.substr(2), "TOKEN_MALFORMED");
  Token("fullwidth letters", "\xef\xbd\x85" + good.substr(1), "TOKEN_MALFORMED");
  std::string spare_bits = good;
  const std::string alphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
  spare_bits.back() = alphabet[alphabet.find(good.back()) ^ 1];
  Token("another spelling of the same signature, by spare bits", spare_bits, "TOKEN_MALFORMED");
}

void TokenAttackCollector::Algorithms() {
  for (const char* alg : {"none", "None", "NONE", "nOnE"}) {
    Token(absl::StrCat("alg ", alg, ", unsigned (CVE-2015-9235)"),
          Unsigned(absl::StrCat(R"({"alg":")", alg, R"(","kid":"es"})"), TokenLab::Payload()),
          "TOKEN_ALGORITHM");
  }
  Header("alg none, signed", R"({"alg":"none","kid":"es"})", "TOKEN_ALGORITHM");
  Header("alg with a zero byte behind it", R"({"alg":"ES256\u0000","kid":"es"})",
         "TOKEN_ALGORITHM");
  Header("alg in fullwidth letters",
         "{\"alg\":\"\xef\xbc\xa5\xef\xbc\xb3"
         R"(256","kid":"es"})",
         "TOKEN_ALGORITHM");
  Header("alg in small letters", R"({"alg":"es256","kid":"es"})", "TOKEN_ALGORITHM");
  Header("alg empty", R"({"alg":"","kid":"es"})", "TOKEN_ALGORITHM");
  Header("alg missing", R"({"kid":"es"})", "TOKEN_MALFORMED");
  Header("alg a list", R"({"alg":["none","ES256"],"kid":"es"})", "TOKEN_MALFORMED");
  Header("alg null", R"({"alg":null,"kid":"es"})", "TOKEN_MALFORMED");
  Header("alg of another curve", R"({"alg":"ES384","kid":"es"})", "TOKEN_ALGORITHM");
  Header("alg of secp256k1", R"({"alg":"ES256K","kid":"es"})", "TOKEN_ALGORITHM");
  Header("alg PS256", R"({"alg":"PS256","kid":"rs"})", "TOKEN_ALGORITHM");
  Header("alg of an encryption: sign/encrypt confusion (CVE-2023-51774)",
         R"({"alg":"RSA-OAEP","enc":"A256GCM","kid":"rs"})", "TOKEN_MALFORMED");
  Header("a billion rounds of PBES2 (CVE-2022-36083)",
         R"({"alg":"PBES2-HS256+A128KW","p2c":1000000000,"p2s":"AAAA","kid":"es"})",
         "TOKEN_ALGORITHM");
}

void TokenAttackCollector::Headers() {
  Member("crit", R"("crit":["exp"],"exp":1)", "TOKEN_MALFORMED");
  Member("crit that is empty", R"("crit":[])", "TOKEN_MALFORMED");
  Member("an unencoded payload (RFC 7797)", R"("b64":false,"crit":["b64"])", "TOKEN_MALFORMED");
  Member("a compressed payload: zip", R"("zip":"DEF")", "TOKEN_MALFORMED");
  Member("a token for another purpose: logout+jwt", R"("typ":"logout+jwt")", "TOKEN_MALFORMED");
  Member("a token that says it is a JWE", R"("typ":"JWE")", "TOKEN_MALFORMED");
  Member("alg twice, the second none", R"("alg":"none")", "TOKEN_MALFORMED");
  Member("alg twice, the second escaped", R"("\u0061lg":"none")", "TOKEN_MALFORMED");
  Member("kid twice", R"("kid":"hs")", "TOKEN_MALFORMED");
  Member("a member twice, deep within", R"("x":[{"y":{"z":1,"z":2}}])", "TOKEN_MALFORMED");
  Header("a thousand open brackets",
         absl::StrCat(R"({"alg":"ES256","kid":"es","x":)", std::string(1000, '['), "}"),
         "TOKEN_MALFORMED");
  Header("a header behind a byte order mark", absl::StrCat("\xef\xbb\xbf", kEsHeader),
         "TOKEN_MALFORMED");
  Header("a comment in the header", R"({"alg":"ES256"/*"none"*/,"kid":"es"})", "TOKEN_MALFORMED");
  Header("two headers", absl::StrCat(kEsHeader, kEsHeader), "TOKEN_MALFORMED");
  Header("a header that is not UTF-8", "{\"alg\":\"ES256\",\"kid\":\"es\xff\"}", "TOKEN_MALFORMED");
  Header("half a surrogate pair", R"({"alg":"ES256","kid":"es\ud800"})", "TOKEN_MALFORMED");
}

std::vector<TokenAttack> TokenAttacks(const TokenLab& lab) {
  TokenAttackCollector collector(lab);
  collector.Forms();
  collector.Encodings();
  collector.Algorithms();
  collector.Headers();
  collector.KeysInHeaders();
  collector.Kids();
  collector.Confusions();
  collector.EcdsaSignatures();
  collector.OtherSignatures();
  collector.Times();
  collector.Audiences();
  collector.Tenants();
  collector.Users();
  collector.Numbers();
  collector.SpeakingForOthers();
  return std::move(collector.attacks);
}

}  // namespace penstock::identity
