#include "libs/identity/jwk.h"

#include <algorithm>
#include <array>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include <boost/json/array.hpp>
#include <boost/json/object.hpp>
#include <boost/json/value.hpp>
#include <openssl/core_names.h>
#include <openssl/err.h>

#include "libs/identity/base64url.h"

#include "absl/strings/str_cat.h"

namespace penstock::identity {
namespace {

using boost::json::object;
using boost::json::value;

constexpr size_t kMaxKidBytes = 512;
constexpr size_t kCoordinateBytes = 32;
constexpr int kMinRsaBits = 2048;
constexpr int kMaxRsaBits = 8192;
constexpr uint64_t kMinExponent = 65537;

// The member's text; nullopt when it is absent or no string.
std::optional<absl::string_view> TextOf(const object& jwk, const char* name) {
  const value* member = jwk.if_contains(name);
  if (member == nullptr || !member->is_string()) return std::nullopt;
  const boost::json::string& text = member->get_string();
  return absl::string_view(text.data(), text.size());
}

bool IsTextOrAbsent(const object& jwk, const char* name) {
  return !jwk.contains(name) || TextOf(jwk, name).has_value();
}

bool HasPrivateMember(const object& jwk) {
  constexpr std::array<const char*, 8> kPrivate = {"d", "p", "q", "dp", "dq", "qi", "oth", "k"};
  return std::any_of(kPrivate.begin(), kPrivate.end(),
                     [&jwk](const char* name) { return jwk.contains(name); });
}

// RFC 7517, sections 4.2 and 4.3. Operations may not stand twice.
std::optional<JwkFlaw> CheckPurpose(const object& jwk) {
  if (!IsTextOrAbsent(jwk, "use")) return JwkFlaw::kMalformed;
  if (jwk.contains("use") && TextOf(jwk, "use") != "sig") return JwkFlaw::kOtherUse;
  const value* member = jwk.if_contains("key_ops");
  if (member == nullptr) return std::nullopt;
  if (!member->is_array()) return JwkFlaw::kMalformed;
  std::vector<absl::string_view> operations;
  for (const value& operation : member->get_array()) {
    if (!operation.is_string()) return JwkFlaw::kMalformed;
    operations.emplace_back(operation.get_string().data(), operation.get_string().size());
  }
  std::sort(operations.begin(), operations.end());
  if (std::adjacent_find(operations.begin(), operations.end()) != operations.end()) {
    return JwkFlaw::kMalformed;
  }
  const bool verifies = std::binary_search(operations.begin(), operations.end(), "verify");
  return verifies ? std::nullopt : std::optional(JwkFlaw::kOtherUse);
}

// An unsigned integer in its shortest form (RFC 7518, section 2: Base64urlUInt).
std::optional<std::string> IntegerOf(const object& jwk, const char* name) {
  const auto text = TextOf(jwk, name);
  std::optional<std::string> bytes = text ? DecodeBase64Url(*text) : std::nullopt;
  if (!bytes || bytes->empty() || bytes->front() == '\0') return std::nullopt;
  return bytes;
}

BnPtr NumberOf(const std::string& bytes) {
  return BnPtr(BN_bin2bn(reinterpret_cast<const unsigned char*>(bytes.data()),
                         static_cast<int>(bytes.size()), nullptr));
}

// nullptr when OpenSSL does not take it.
PkeyPtr MakeKey(const char* type, OSSL_PARAM_BLD& builder) {
  const ParamsPtr params(OSSL_PARAM_BLD_to_param(&builder));
  const PkeyCtxPtr context(EVP_PKEY_CTX_new_from_name(nullptr, type, nullptr));
  EVP_PKEY* key = nullptr;
  if (EVP_PKEY_fromdata_init(context.get()) == 1) {
    EVP_PKEY_fromdata(context.get(), &key, EVP_PKEY_PUBLIC_KEY, params.get());
  }
  ERR_clear_error();
  return PkeyPtr(key);
}

std::variant<PkeyPtr, JwkFlaw> ReadRsa(const object& jwk) {
  const auto modulus = IntegerOf(jwk, "n");
  const auto exponent = IntegerOf(jwk, "e");
  if (!modulus || !exponent) return JwkFlaw::kMalformed;
  // The bounds keep what a signature costs: an exponent of 2,000 bits takes a hundred times as
  // long.
  if (modulus->size() > kMaxRsaBits / 8 || exponent->size() > 4) return JwkFlaw::kWeak;
  const BnPtr n = NumberOf(*modulus);
  const BnPtr e = NumberOf(*exponent);
  if (BN_num_bits(n.get()) < kMinRsaBits || BN_is_odd(n.get()) == 0 || BN_is_odd(e.get()) == 0 ||
      BN_get_word(e.get()) < kMinExponent) {
    return JwkFlaw::kWeak;
  }
  const ParamBuilderPtr builder(OSSL_PARAM_BLD_new());
  OSSL_PARAM_BLD_push_BN(builder.get(), OSSL_PKEY_PARAM_RSA_N, n.get());
  OSSL_PARAM_BLD_push_BN(builder.get(), OSSL_PKEY_PARAM_RSA_E, e.get());
  PkeyPtr key = MakeKey("RSA", *builder);
  if (key == nullptr) return JwkFlaw::kMalformed;
  return key;
}

std::variant<PkeyPtr, JwkFlaw> ReadEc(const object& jwk) {
  const auto curve = TextOf(jwk, "crv");
  if (!curve) return JwkFlaw::kMalformed;
  if (*curve != "P-256") return JwkFlaw::kOtherCurve;
  std::string point("\x04");  // uncompressed
  for (const char* coordinate : {"x", "y"}) {
    const auto text = TextOf(jwk, coordinate);
    const auto bytes = text ? DecodeBase64Url(*text) : std::nullopt;
    if (!bytes || bytes->size() != kCoordinateBytes) return JwkFlaw::kMalformed;
    point += *bytes;
  }
  const ParamBuilderPtr builder(OSSL_PARAM_BLD_new());
  OSSL_PARAM_BLD_push_utf8_string(builder.get(), OSSL_PKEY_PARAM_GROUP_NAME, "prime256v1", 0);
  OSSL_PARAM_BLD_push_octet_string(builder.get(), OSSL_PKEY_PARAM_PUB_KEY, point.data(),
                                   point.size());
  PkeyPtr key = MakeKey("EC", *builder);
  if (key == nullptr) return JwkFlaw::kOffCurve;
  return key;
}

}  // namespace

absl::string_view NameOf(JwkFlaw flaw) {
  switch (flaw) {
    case JwkFlaw::kMalformed:
      return "malformed";
    case JwkFlaw::kSymmetric:
      return "symmetric";
    case JwkFlaw::kPrivate:
      return "private";
    case JwkFlaw::kOtherType:
      return "other_type";
    case JwkFlaw::kOtherCurve:
      return "other_curve";
    case JwkFlaw::kOtherUse:
      return "other_use";
    case JwkFlaw::kOtherAlgorithm:
      return "other_algorithm";
    case JwkFlaw::kWeak:
      return "weak";
    case JwkFlaw::kOffCurve:
      return "off_curve";
    case JwkFlaw::kDuplicateKid:
      return "duplicate_kid";
    case JwkFlaw::kNoKid:
      return "no_kid";
  }
  return "";
}

std::variant<JwtKey, JwkFlaw> ReadJwk(const object& jwk) {
  const auto type = TextOf(jwk, "kty");
  if (!type) return JwkFlaw::kMalformed;
  if (*type == "oct") return JwkFlaw::kSymmetric;
  if (*type != "RSA" && *type != "EC") return JwkFlaw::kOtherType;
  if (HasPrivateMember(jwk)) return JwkFlaw::kPrivate;
  if (!IsTextOrAbsent(jwk, "kid") || !IsTextOrAbsent(jwk, "alg")) return JwkFlaw::kMalformed;
  const std::string kid(TextOf(jwk, "kid").value_or(""));
  if (kid.size() > kMaxKidBytes) return JwkFlaw::kMalformed;
  if (const auto flaw = CheckPurpose(jwk)) return *flaw;
  const JwtAlgorithm algorithm = *type == "RSA" ? JwtAlgorithm::kRs256 : JwtAlgorithm::kEs256;
  if (jwk.contains("alg") && TextOf(jwk, "alg") != NameOf(algorithm)) {
    return JwkFlaw::kOtherAlgorithm;
  }
  auto read = *type == "RSA" ? ReadRsa(jwk) : ReadEc(jwk);
  if (const auto* flaw = std::get_if<JwkFlaw>(&read)) return *flaw;
  auto key = JwtKey::OfPublicKey(kid, algorithm, *std::get<PkeyPtr>(read));
  if (!key.ok()) return JwkFlaw::kWeak;
  return *std::move(key);
}

}  // namespace penstock::identity
