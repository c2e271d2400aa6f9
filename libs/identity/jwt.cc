#include "libs/identity/jwt.h"

#include <algorithm>
#include <utility>

#include "libs/base/status_macros.h"
#include "libs/identity/jws.h"
#include "libs/identity/token_refusal.h"

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"

namespace penstock::identity {
namespace {

constexpr size_t kMaxOnBehalfOfBytes = 128;

absl::StatusOr<absl::string_view> BearerToken(absl::string_view authorization) {
  constexpr absl::string_view kScheme = "Bearer ";
  constexpr absl::string_view kAdvice = "send \"authorization: Bearer <token>\"";
  if (authorization.empty()) {
    return RefuseToken("TOKEN_MISSING", "", absl::StrCat("no metadata authorization; ", kAdvice));
  }
  if (!absl::StartsWithIgnoreCase(authorization, kScheme)) {
    return RefuseToken("TOKEN_MALFORMED", "",
                       absl::StrCat("authorization is not of scheme Bearer; ", kAdvice));
  }
  const absl::string_view token = authorization.substr(kScheme.size());
  if (token.empty()) {
    return RefuseToken("TOKEN_MISSING", "", absl::StrCat("nothing after Bearer; ", kAdvice));
  }
  return token;
}

// Spaces at the ends are refused, since proxies may drop them and so name another user.
bool IsUserName(absl::string_view name) {
  return name.size() <= kMaxOnBehalfOfBytes && name.front() != ' ' && name.back() != ' ' &&
         std::all_of(name.begin(), name.end(), [](char c) { return c >= ' ' && c <= '~'; });
}

// The user the caller speaks for.
absl::StatusOr<std::string> UserOf(const JwtClaims& claims, absl::string_view on_behalf_of,
                                   absl::string_view kid) {
  const bool may_act =
      std::find(claims.scopes.begin(), claims.scopes.end(), kActAsScope) != claims.scopes.end();
  if (!may_act && on_behalf_of.empty()) return claims.subject;
  if (!may_act) {
    return Refusal(absl::StatusCode::kPermissionDenied, "SCOPE_MISSING",
                   absl::StrCat("metadata ", kOnBehalfOfMetadata, " needs the scope ", kActAsScope,
                                "; leave it out, or get a token with that scope"))
        .With("scope", kActAsScope);
  }
  if (on_behalf_of.empty()) {
    return RefuseToken("ACT_AS_REQUIRED", kid,
                       absl::StrCat("has the scope ", kActAsScope,
                                    ", so name the user by metadata ", kOnBehalfOfMetadata));
  }
  if (!IsUserName(on_behalf_of)) {
    return FieldInvalid(kOnBehalfOfMetadata,
                        absl::StrCat(Quoted(on_behalf_of), " of ", on_behalf_of.size(), " bytes"),
                        absl::StrCat("1 to ", kMaxOnBehalfOfBytes,
                                     " bytes of printable ASCII without spaces at the ends"));
  }
  return std::string(on_behalf_of);
}

}  // namespace

absl::StatusOr<std::unique_ptr<JwtVerifier>> JwtVerifier::Create(const config::v1::Identity& config,
                                                                 std::vector<std::string> tiers) {
  if (config.issuers().empty()) {
    return absl::InvalidArgumentError(
        "identity.issuers: empty; add who may issue tokens, with its tenants and keys");
  }
  const absl::Duration leeway =
      absl::Seconds(config.leeway().seconds()) + absl::Nanoseconds(config.leeway().nanos());
  if (leeway < absl::ZeroDuration() || leeway > absl::Seconds(60)) {
    return absl::InvalidArgumentError(absl::StrCat(
        "identity.leeway: found ", absl::FormatDuration(leeway), ", allowed 0s to 60s"));
  }
  std::vector<JwtIssuer> issuers;
  for (int i = 0; i < config.issuers_size(); ++i) {
    const std::string path = absl::StrCat("identity.issuers[", i, "]");
    PENSTOCK_ASSIGN_OR_RETURN(JwtIssuer issuer, JwtIssuer::Create(config.issuers(i), path));
    for (const JwtIssuer& other : issuers) {
      if (other.name() == issuer.name()) {
        return absl::InvalidArgumentError(absl::StrCat(path, ".issuer: ", Quoted(issuer.name()),
                                                       " is there twice; merge the two"));
      }
    }
    issuers.push_back(std::move(issuer));
  }
  return std::unique_ptr<JwtVerifier>(
      new JwtVerifier(std::move(issuers), std::move(tiers), leeway));
}

JwtVerifier::JwtVerifier(std::vector<JwtIssuer> issuers, std::vector<std::string> tiers,
                         absl::Duration leeway)
    : issuers_(std::move(issuers)),
      tiers_(std::make_shared<const std::vector<std::string>>(std::move(tiers))),
      leeway_(leeway) {}

void JwtVerifier::SetTiers(std::vector<std::string> tiers) {
  tiers_.Set(std::make_shared<const std::vector<std::string>>(std::move(tiers)));
}

absl::StatusOr<const JwtIssuer*> JwtVerifier::FindIssuer(const Jws& jws) const {
  const JsonMember* iss = jws.payload.Find("iss");
  const std::string kid = jws.kid.value_or("");
  if (iss == nullptr || iss->kind != JsonMember::Kind::kString) {
    return RefuseToken("TOKEN_ISSUER", kid,
                       "claim `iss` is missing or no string; get a token from a configured issuer");
  }
  for (const JwtIssuer& issuer : issuers_) {
    if (issuer.name() == iss->text) return &issuer;
  }
  return RefuseToken("TOKEN_ISSUER", kid,
                     absl::StrCat("issuer ", Quoted(iss->text),
                                  " is not configured; get a token from one that is, or add it "
                                  "to identity.issuers"));
}

absl::StatusOr<Principal> JwtVerifier::Verify(absl::string_view authorization,
                                              absl::string_view on_behalf_of,
                                              absl::Time now) const {
  PENSTOCK_ASSIGN_OR_RETURN(const absl::string_view token, BearerToken(authorization));
  PENSTOCK_ASSIGN_OR_RETURN(const Jws jws, ParseJws(token));
  PENSTOCK_ASSIGN_OR_RETURN(const JwtIssuer* issuer, FindIssuer(jws));
  PENSTOCK_RETURN_IF_ERROR(issuer->CheckSignature(jws));
  const std::string kid = jws.kid.value_or("");
  const auto tiers = tiers_.Get();
  PENSTOCK_ASSIGN_OR_RETURN(
      JwtClaims claims,
      CheckJwtClaims(jws.payload,
                     {.issuer = *issuer, .tiers = *tiers, .leeway = leeway_, .now = now}, kid));
  PENSTOCK_ASSIGN_OR_RETURN(std::string user, UserOf(claims, on_behalf_of, kid));
  const UserKey key(claims.tenant, user);
  return Principal{.tenant = std::move(claims.tenant),
                   .user = std::move(user),
                   .tier = std::move(claims.tier),
                   .scopes = std::move(claims.scopes),
                   .admitted = now,
                   .turn = "",
                   .key = key};
}

std::optional<MissingKey> JwtVerifier::MissingKeyOf(absl::string_view authorization) const {
  const auto token = BearerToken(authorization);
  if (!token.ok()) return std::nullopt;
  auto jws = ParseJws(*token);
  if (!jws.ok()) return std::nullopt;
  const auto issuer = FindIssuer(*jws);
  if (!issuer.ok() || (*issuer)->published() == nullptr) return std::nullopt;
  return MissingKey{.keys = (*issuer)->published(), .kid = std::move(jws->kid)};
}

std::vector<PublishedKeys*> JwtVerifier::published() const {
  std::vector<PublishedKeys*> all;
  for (const JwtIssuer& issuer : issuers_) {
    if (issuer.published() != nullptr) all.push_back(issuer.published());
  }
  return all;
}

absl::StatusOr<Principal> JwtVerifier::Authenticate(const Credentials& credentials,
                                                    absl::Time now) const {
  return Verify(credentials.authorization, credentials.on_behalf_of, now);
}

}  // namespace penstock::identity
