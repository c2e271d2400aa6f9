#include "libs/identity/jws.h"

#include <algorithm>
#include <array>
#include <utility>

#include "libs/base/status_macros.h"
#include "libs/identity/base64url.h"
#include "libs/identity/token_refusal.h"

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"

namespace penstock::identity {
namespace {

absl::Status Malformed(absl::string_view what, absl::string_view kid = "") {
  return RefuseToken("TOKEN_MALFORMED", kid,
                     absl::StrCat(what,
                                  "; send a signed JWT in compact form, "
                                  "\"authorization: Bearer <header>.<payload>.<signature>\""));
}

// As base64url, with the two dots not in it.
struct Parts {
  absl::string_view header;
  absl::string_view payload;
  absl::string_view signature;
};

absl::StatusOr<Parts> Split(absl::string_view token) {
  if (token.size() > kMaxTokenBytes) {
    return Malformed(
        absl::StrCat("found ", token.size(), " bytes, allowed at most ", kMaxTokenBytes));
  }
  const auto dots = std::count(token.begin(), token.end(), '.');
  if (dots != 2) return Malformed(absl::StrCat("found ", dots + 1, " parts, expected 3"));
  const size_t first = token.find('.');
  const size_t second = token.find('.', first + 1);
  return Parts{.header = token.substr(0, first),
               .payload = token.substr(first + 1, second - first - 1),
               .signature = token.substr(second + 1)};
}

absl::StatusOr<JsonObject> DecodeObject(absl::string_view part, absl::string_view name,
                                        absl::string_view kid) {
  const std::optional<std::string> text = DecodeBase64Url(part);
  if (!text) return Malformed(absl::StrCat(name, " is not base64url without padding"), kid);
  std::optional<JsonObject> object = JsonObject::Parse(*text);
  if (!object) {
    return Malformed(absl::StrCat(name, " is not a JSON object with each member once"), kid);
  }
  return *std::move(object);
}

bool IsPlainJwt(absl::string_view typ) {
  constexpr std::array<absl::string_view, 3> kTypes = {"JWT", "at+jwt", "application/at+jwt"};
  return std::any_of(kTypes.begin(), kTypes.end(),
                     [typ](absl::string_view known) { return absl::EqualsIgnoreCase(typ, known); });
}

struct Header {
  JwtAlgorithm algorithm;
  std::optional<std::string> kid;
};

absl::Status CheckMembers(const JsonObject& header, absl::string_view kid) {
  for (const absl::string_view name : {"crit", "b64", "zip", "enc"}) {
    if (header.Find(name) != nullptr) {
      return Malformed(absl::StrCat("header has the member \"", name, "\", which is not supported"),
                       kid);
    }
  }
  // A token made for another purpose by the same issuer is none for us (RFC 8725, section 3.11).
  const JsonMember* typ = header.Find("typ");
  if (typ != nullptr && (typ->kind != JsonMember::Kind::kString || !IsPlainJwt(typ->text))) {
    return Malformed(
        absl::StrCat("header `typ` is ", Quoted(typ->text), ", expected \"JWT\" or \"at+jwt\""),
        kid);
  }
  return absl::OkStatus();
}

absl::StatusOr<Header> ReadHeader(const JsonObject& header) {
  const JsonMember* kid_member = header.Find("kid");
  std::optional<std::string> kid;
  if (kid_member != nullptr) {
    if (kid_member->kind != JsonMember::Kind::kString)
      return Malformed("header `kid` is no string");
    kid = kid_member->text;
  }
  const std::string shown_kid = kid.value_or("");
  PENSTOCK_RETURN_IF_ERROR(CheckMembers(header, shown_kid));
  const JsonMember* alg = header.Find("alg");
  if (alg == nullptr || alg->kind != JsonMember::Kind::kString) {
    return Malformed("header `alg` is missing or no string", shown_kid);
  }
  const std::optional<JwtAlgorithm> algorithm = JwtAlgorithmOf(alg->text);
  if (!algorithm) {
    return RefuseToken("TOKEN_ALGORITHM", shown_kid,
                       absl::StrCat("`alg` is ", Quoted(alg->text),
                                    ", allowed HS256, RS256 and ES256; sign it with one of them"));
  }
  return Header{.algorithm = *algorithm, .kid = std::move(kid)};
}

}  // namespace

absl::StatusOr<Jws> ParseJws(absl::string_view token) {
  PENSTOCK_ASSIGN_OR_RETURN(const Parts parts, Split(token));
  PENSTOCK_ASSIGN_OR_RETURN(const JsonObject header_json, DecodeObject(parts.header, "header", ""));
  PENSTOCK_ASSIGN_OR_RETURN(Header header, ReadHeader(header_json));
  const std::string kid = header.kid.value_or("");
  PENSTOCK_ASSIGN_OR_RETURN(JsonObject payload, DecodeObject(parts.payload, "payload", kid));
  std::optional<std::string> signature = DecodeBase64Url(parts.signature);
  if (!signature) return Malformed("signature is not base64url without padding", kid);
  return Jws{.algorithm = header.algorithm,
             .kid = std::move(header.kid),
             .payload = std::move(payload),
             .signing_input = token.substr(0, parts.header.size() + 1 + parts.payload.size()),
             .signature = *std::move(signature)};
}

}  // namespace penstock::identity
