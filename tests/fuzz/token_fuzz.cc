// Bytes from outside against the verifiers of libs/identity: nothing unsigned is accepted, and what
// a signed payload gets accepted for is within the rules.
#include <cstdint>
#include <cstdlib>
#include <memory>
#include <string>

#include "libs/identity/base64url.h"
#include "libs/identity/grant.h"
#include "libs/identity/jwt.h"
#include "libs/identity/jwt_signer.h"

#include "absl/strings/escaping.h"
#include "absl/strings/str_cat.h"

namespace penstock::identity {
namespace {

void Require(bool holds) {
  if (!holds) std::abort();
}

const std::string kSecret(32, 's');
const absl::Time kNow = absl::FromUnixSeconds(1'800'000'000);

const JwtVerifier& Verifier() {
  static const JwtVerifier* const verifier = [] {
    config::v1::Identity config;
    config::v1::Issuer& issuer = *config.add_issuers();
    issuer.set_issuer("i");
    issuer.set_audience("a");
    issuer.add_tenants("t");
    config::v1::Key& key = *issuer.add_keys();
    key.set_algorithm("HS256");
    key.set_secret(absl::Base64Escape(kSecret));
    return JwtVerifier::Create(config, {"free", "paid"}).value().release();
  }();
  return *verifier;
}

// The whole input as a header value, a token and a grant: without a key none is good.
void CheckUnsigned(absl::string_view input) {
  static const GrantVerifier grants(kDispatcherAudience,
                                    DeriveGrantKey(kSecret, kDispatcherAudience));
  Require(!Verifier().Verify(input, "", kNow).ok());
  Require(!Verifier().Verify(absl::StrCat("Bearer ", input), "", kNow).ok());
  Require(!grants.Verify(input, kNow).ok());
  const std::optional<std::string> bytes = DecodeBase64Url(input);
  Require(!bytes || EncodeBase64Url(*bytes) == input);
}

// "<header>\n<payload>", signed: it may be accepted, but only as a user of the issuer's tenant.
void CheckSigned(absl::string_view input) {
  static const JwtSigner signer = JwtSigner::Create(JwtAlgorithm::kHs256, kSecret, "").value();
  const size_t newline = input.find('\n');
  if (newline == absl::string_view::npos) return;
  const std::string token = signer.SignParts(input.substr(0, newline), input.substr(newline + 1));
  const absl::StatusOr<Principal> principal =
      Verifier().Verify(absl::StrCat("Bearer ", token), "", kNow);
  if (!principal.ok()) return;
  Require(principal->tenant == "t" && !principal->user.empty() && principal->user.size() <= 128 &&
          (principal->tier == "paid" || principal->tier == "free") &&
          !principal->HasScope(kActAsScope) && token.size() <= kMaxTokenBytes);
}

}  // namespace
}  // namespace penstock::identity

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  const absl::string_view input(reinterpret_cast<const char*>(data), size);
  penstock::identity::CheckUnsigned(input);
  penstock::identity::CheckSigned(input);
  return 0;
}
