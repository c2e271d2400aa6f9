#include "libs/identity/jwt_claims.h"

#include <algorithm>
#include <optional>

#include "libs/base/status_macros.h"
#include "libs/identity/token_refusal.h"

#include "absl/strings/ascii.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "absl/strings/str_split.h"

namespace penstock::identity {
namespace {

constexpr size_t kMaxSubjectBytes = 128;
// The end of the year 9999, the last that RFC 3339 can write.
constexpr double kMaxUnixSeconds = 253402300799.0;

std::string Utc(absl::Time time) {
  return absl::FormatTime("%Y-%m-%dT%H:%M:%SZ", time, absl::UTCTimeZone());
}

// Reads and checks one payload; every method leaves the rest to the others.
class ClaimsReader {
 public:
  ClaimsReader(const JsonObject& payload, const JwtExpectations& expected, absl::string_view kid)
      : payload_(payload), expected_(expected), kid_(kid) {}

  absl::Status CheckAudience() const;
  absl::Status CheckTimes() const;
  absl::StatusOr<std::string> Subject() const;
  absl::StatusOr<std::string> Tenant() const;
  absl::StatusOr<std::string> Tier() const;
  absl::StatusOr<std::vector<std::string>> Scopes() const;

 private:
  absl::Status Refuse(absl::string_view reason, absl::string_view message) const {
    return RefuseToken(reason, kid_, message);
  }
  absl::Status Malformed(absl::string_view claim, absl::string_view problem) const {
    return Refuse("TOKEN_MALFORMED",
                  absl::StrCat("claim `", claim, "`: ", problem, "; get a token that says so"));
  }
  // nullptr when the claim is absent.
  absl::StatusOr<const std::string*> Text(absl::string_view claim) const;
  absl::StatusOr<std::optional<absl::Time>> Time(absl::string_view claim) const;
  absl::Status CheckNotBefore(absl::string_view claim) const;

  const JsonObject& payload_;
  const JwtExpectations& expected_;
  absl::string_view kid_;
};

absl::StatusOr<const std::string*> ClaimsReader::Text(absl::string_view claim) const {
  const JsonMember* member = payload_.Find(claim);
  if (member == nullptr) return nullptr;
  if (member->kind != JsonMember::Kind::kString) return Malformed(claim, "expected a string");
  return &member->text;
}

absl::StatusOr<std::optional<absl::Time>> ClaimsReader::Time(absl::string_view claim) const {
  const JsonMember* member = payload_.Find(claim);
  if (member == nullptr) return std::nullopt;
  // Not a number and infinity compare false.
  if (member->kind != JsonMember::Kind::kNumber ||
      !(member->number >= 0 && member->number <= kMaxUnixSeconds)) {
    return Malformed(claim, "expected a number of seconds since 1970, up to the year 9999");
  }
  return absl::UnixEpoch() + absl::Seconds(member->number);
}

absl::Status ClaimsReader::CheckAudience() const {
  const std::string& ours = expected_.issuer.audience();
  const JsonMember* aud = payload_.Find("aud");
  if (aud != nullptr && aud->kind != JsonMember::Kind::kString &&
      aud->kind != JsonMember::Kind::kStrings) {
    return Malformed("aud", "expected a string or an array of strings");
  }
  const bool named = aud != nullptr && (aud->kind == JsonMember::Kind::kString
                                            ? aud->text == ours
                                            : std::find(aud->strings.begin(), aud->strings.end(),
                                                        ours) != aud->strings.end());
  if (named) return absl::OkStatus();
  return Refuse("TOKEN_AUDIENCE",
                absl::StrCat("`aud` does not name us; get a token for ", Quoted(ours)));
}

absl::Status ClaimsReader::CheckNotBefore(absl::string_view claim) const {
  PENSTOCK_ASSIGN_OR_RETURN(const std::optional<absl::Time> time, Time(claim));
  if (!time || expected_.now >= *time - expected_.leeway) return absl::OkStatus();
  return Refuse("TOKEN_NOT_YET_VALID",
                absl::StrCat("`", claim, "` is ", Utc(*time), ", now it is ", Utc(expected_.now),
                             "; wait, or check that the clocks agree"));
}

absl::Status ClaimsReader::CheckTimes() const {
  PENSTOCK_ASSIGN_OR_RETURN(const std::optional<absl::Time> exp, Time("exp"));
  if (!exp) return Malformed("exp", "missing");
  if (expected_.now >= *exp + expected_.leeway) {
    return Refuse("TOKEN_EXPIRED", absl::StrCat("expired at ", Utc(*exp), ", now it is ",
                                                Utc(expected_.now), "; get a new token"));
  }
  PENSTOCK_RETURN_IF_ERROR(CheckNotBefore("nbf"));
  return CheckNotBefore("iat");
}

absl::StatusOr<std::string> ClaimsReader::Subject() const {
  PENSTOCK_ASSIGN_OR_RETURN(const std::string* sub, Text("sub"));
  if (sub == nullptr) return Malformed("sub", "missing");
  if (sub->empty() || sub->size() > kMaxSubjectBytes) {
    return Malformed(
        "sub", absl::StrCat("found ", sub->size(), " bytes, allowed 1 to ", kMaxSubjectBytes));
  }
  const bool control = std::any_of(sub->begin(), sub->end(), [](char c) {
    return absl::ascii_iscntrl(static_cast<unsigned char>(c));
  });
  if (control) return Malformed("sub", "has control characters, allowed none");
  return *sub;
}

absl::StatusOr<std::string> ClaimsReader::Tenant() const {
  PENSTOCK_ASSIGN_OR_RETURN(const std::string* tenant, Text("tenant"));
  const std::vector<std::string>& allowed = expected_.issuer.tenants();
  if (tenant == nullptr) return allowed.front();
  if (std::find(allowed.begin(), allowed.end(), *tenant) != allowed.end()) return *tenant;
  return Refuse("TOKEN_TENANT",
                absl::StrCat("issuer ", Quoted(expected_.issuer.name()),
                             " may not name the tenant ", Quoted(*tenant),
                             "; get a token for one of its tenants, or add this one to "
                             "identity.issuers"));
}

absl::StatusOr<std::string> ClaimsReader::Tier() const {
  PENSTOCK_ASSIGN_OR_RETURN(const std::string* tier, Text("tier"));
  if (tier == nullptr) return std::string("free");
  const std::vector<std::string>& allowed = expected_.tiers;
  if (std::find(allowed.begin(), allowed.end(), *tier) != allowed.end()) return *tier;
  return Malformed("tier", absl::StrCat("found ", Quoted(*tier), ", expected one of tiers[]: ",
                                        absl::StrJoin(allowed, ", ")));
}

// RFC 6749, section 3.3.
bool IsScope(absl::string_view scope) {
  return !scope.empty() && std::all_of(scope.begin(), scope.end(), [](char c) {
    return c > ' ' && c <= '~' && c != '"' && c != '\\';
  });
}

absl::StatusOr<std::vector<std::string>> ClaimsReader::Scopes() const {
  PENSTOCK_ASSIGN_OR_RETURN(const std::string* scope, Text("scope"));
  if (scope == nullptr || scope->empty()) return std::vector<std::string>();
  std::vector<std::string> scopes = absl::StrSplit(*scope, ' ');
  if (!std::all_of(scopes.begin(), scopes.end(), IsScope)) {
    return Malformed("scope", "expected printable names with one space between them");
  }
  return scopes;
}

}  // namespace

absl::StatusOr<JwtClaims> CheckJwtClaims(const JsonObject& payload, const JwtExpectations& expected,
                                         absl::string_view kid) {
  const ClaimsReader reader(payload, expected, kid);
  PENSTOCK_RETURN_IF_ERROR(reader.CheckAudience());
  PENSTOCK_RETURN_IF_ERROR(reader.CheckTimes());
  JwtClaims claims;
  PENSTOCK_ASSIGN_OR_RETURN(claims.subject, reader.Subject());
  PENSTOCK_ASSIGN_OR_RETURN(claims.tenant, reader.Tenant());
  PENSTOCK_ASSIGN_OR_RETURN(claims.tier, reader.Tier());
  PENSTOCK_ASSIGN_OR_RETURN(claims.scopes, reader.Scopes());
  return claims;
}

}  // namespace penstock::identity
