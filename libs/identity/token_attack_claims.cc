// Attacks by what a properly signed token says.
#include <utility>

#include "libs/identity/token_attack_collector.h"

namespace penstock::identity {

void TokenAttackCollector::Times() {
  Claim("expired by the leeway to the second", {{"exp", At(-30)}}, "TOKEN_EXPIRED");
  Claim("expired in 1970", {{"exp", "0"}}, "TOKEN_EXPIRED");
  Claim("exp missing", {{"exp", ""}}, "TOKEN_MALFORMED");
  Claim("exp a text", {{"exp", R"("1900000000")"}}, "TOKEN_MALFORMED");
  Claim("exp null", {{"exp", "null"}}, "TOKEN_MALFORMED");
  Claim("exp a list", {{"exp", "[1900000000]"}}, "TOKEN_MALFORMED");
  Claim("not valid yet, a second beyond the leeway", {{"nbf", At(31)}}, "TOKEN_NOT_YET_VALID");
  Claim("issued in the future", {{"iat", At(3600)}}, "TOKEN_NOT_YET_VALID");
  Claim("nbf a text", {{"nbf", R"("0")"}}, "TOKEN_MALFORMED");
}

void TokenAttackCollector::Audiences() {
  Claim("aud missing", {{"aud", ""}}, "TOKEN_AUDIENCE");
  Claim("aud of another service", {{"aud", R"("billing")"}}, "TOKEN_AUDIENCE");
  Claim("aud that begins as ours", {{"aud", R"("penstock.evil.test")"}}, "TOKEN_AUDIENCE");
  Claim("aud in pieces", {{"aud", R"(["pen","stock"])"}}, "TOKEN_AUDIENCE");
  Claim("aud that starts a pattern", {{"aud", R"("*")"}}, "TOKEN_AUDIENCE");
  Claim("aud with ours among no texts", {{"aud", R"(["penstock",1])"}}, "TOKEN_MALFORMED");
  Claim("aud an object", {{"aud", R"({"penstock":1})"}}, "TOKEN_MALFORMED");
}

void TokenAttackCollector::Tenants() {
  Claim("iss missing", {{"iss", ""}}, "TOKEN_ISSUER");
  Claim("iss unknown", {{"iss", R"("https://evil.test")"}}, "TOKEN_ISSUER");
  Claim("iss with a slash more", {{"iss", R"("https://issuer.test/")"}}, "TOKEN_ISSUER");
  Claim("iss in capitals", {{"iss", R"("HTTPS://ISSUER.TEST")"}}, "TOKEN_ISSUER");
  Claim("iss in a list", {{"iss", R"(["https://issuer.test"])"}}, "TOKEN_ISSUER");
  Claim("iss of another issuer, with our key", {{"iss", R"("https://other.test")"}},
        "TOKEN_KEY_UNKNOWN");
  Claim("a tenant of another issuer", {{"tenant", R"("other")"}}, "TOKEN_TENANT");
  Claim("a tenant in capitals", {{"tenant", R"("ACME")"}}, "TOKEN_TENANT");
  Claim("a tenant that is a pattern", {{"tenant", R"("*")"}}, "TOKEN_TENANT");
  Claim("a tenant that is a path", {{"tenant", R"("acme/../other")"}}, "TOKEN_TENANT");
  Claim("a tenant with a mark that does not show", {{"tenant", R"("acme\u200b")"}}, "TOKEN_TENANT");
  Claim("two tenants", {{"tenant", R"(["acme","other"])"}}, "TOKEN_MALFORMED");
  Claim("tenant null", {{"tenant", "null"}}, "TOKEN_MALFORMED");
}

void TokenAttackCollector::Users() {
  Claim("sub missing", {{"sub", ""}}, "TOKEN_MALFORMED");
  Claim("sub empty", {{"sub", R"("")"}}, "TOKEN_MALFORMED");
  Claim("sub with a zero byte", {{"sub", R"("ann\u0000bob")"}}, "TOKEN_MALFORMED");
  Claim("sub with a line break", {{"sub", R"("ann\nbob")"}}, "TOKEN_MALFORMED");
  Claim("sub a number", {{"sub", "1"}}, "TOKEN_MALFORMED");
  Claim("sub of 129 bytes", {{"sub", absl::StrCat("\"", std::string(129, 'u'), "\"")}},
        "TOKEN_MALFORMED");
  Claim("a tier that is not configured", {{"tier", R"("root")"}}, "TOKEN_MALFORMED");
  Claim("scopes in a list", {{"scope", R"(["act_as"])"}}, "TOKEN_MALFORMED");
  Claim("scopes behind two blanks", {{"scope", R"("chat  act_as")"}}, "TOKEN_MALFORMED");
  std::string open = TokenLab::Payload();
  open.back() = ',';
  Token("sub twice", Es().SignPayload(open + R"("sub":"bob"})"), "TOKEN_MALFORMED");
  Token("sub twice, the second escaped", Es().SignPayload(open + R"("s\u0075b":"bob"})"),
        "TOKEN_MALFORMED");
  Token("tenant twice",
        Es().SignPayload(TokenLab::Payload({{"tenant", R"("acme","tenant":"other")"}})),
        "TOKEN_MALFORMED");
}

void TokenAttackCollector::Numbers() {
  for (const char* number : {"1e400", "-1e400", "1e308", "-1", "9223372036854775807",
                             "18446744073709551616", "1800000300000"}) {
    Claim(absl::StrCat("exp of ", number), {{"exp", number}}, "TOKEN_MALFORMED");
  }
  Claim("exp of NaN", {{"exp", "NaN"}}, "TOKEN_MALFORMED");
  Claim("exp in hexadecimal", {{"exp", "0x7fffffff"}}, "TOKEN_MALFORMED");
  Claim("exp with a leading zero", {{"exp", "01900000000"}}, "TOKEN_MALFORMED");
  Claim("exp of a thousand digits", {{"exp", std::string(1000, '9')}}, "TOKEN_MALFORMED");
}

void TokenAttackCollector::SpeakingForOthers() {
  const auto add = [this](std::string name, const std::string& scope, std::string user,
                          std::string reason, absl::StatusCode code) {
    attacks.push_back(
        {.name = std::move(name),
         .authorization = "Bearer " + Es().SignPayload(TokenLab::Payload(
                                          {{"scope", absl::StrCat("\"", scope, "\"")}})),
         .reason = std::move(reason),
         .on_behalf_of = std::move(user),
         .code = code});
  };
  using absl::StatusCode;
  add("for another without the scope", "chat", "bob", "SCOPE_MISSING",
      StatusCode::kPermissionDenied);
  add("for another with a scope that begins as act_as", "act_as2", "bob", "SCOPE_MISSING",
      StatusCode::kPermissionDenied);
  add("for nobody", "act_as", "", "ACT_AS_REQUIRED", StatusCode::kUnauthenticated);
  add("for a user with a line break", "act_as", "bob\nx", "FIELD_INVALID",
      StatusCode::kInvalidArgument);
  add("for a user of 129 bytes", "act_as", std::string(129, 'u'), "FIELD_INVALID",
      StatusCode::kInvalidArgument);
}

}  // namespace penstock::identity
