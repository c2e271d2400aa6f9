#include "libs/identity/jwt_key.h"

#include <fstream>
#include <utility>

#include <openssl/core_names.h>
#include <openssl/err.h>
#include <openssl/pem.h>

#include "libs/base/status_macros.h"
#include "libs/identity/ecdsa_signature.h"

#include "absl/strings/escaping.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"

namespace penstock::identity {
namespace {

constexpr size_t kMinSecretBytes = 32;
constexpr int kMinRsaBits = 2048;

thread_local int64_t signature_checks = 0;

absl::Status Invalid(absl::string_view path, absl::string_view setting, absl::string_view message) {
  return absl::InvalidArgumentError(absl::StrCat(path, ".", setting, ": ", message));
}

absl::StatusOr<HmacSha256> ReadSecret(const config::v1::Key& config, absl::string_view path) {
  std::string secret;
  if (!config.public_key_file().empty()) {
    return Invalid(path, "public_key_file", "set for HS256, which takes `secret` alone; remove it");
  }
  if (!absl::Base64Unescape(config.secret(), &secret)) {
    return Invalid(path, "secret", "not base64; encode the secret of the issuer with `base64`");
  }
  if (secret.size() < kMinSecretBytes) {
    return Invalid(path, "secret",
                   absl::StrCat("found ", secret.size(), " bytes, expected at least ",
                                kMinSecretBytes, "; make one with `openssl rand -base64 32`"));
  }
  return HmacSha256(secret);
}

// Its first 64 KiB: no key is longer. nullopt when it cannot be read.
std::optional<std::string> ReadFile(const std::string& path) {
  std::ifstream file(path, std::ios::binary);
  std::string text(64 * 1024, '\0');
  file.read(text.data(), static_cast<std::streamsize>(text.size()));
  if (!file.is_open() || file.bad()) return std::nullopt;
  text.resize(static_cast<size_t>(file.gcount()));
  return text;
}

// Neither asks for a passphrase nor leaves an error in OpenSSL's queue.
PkeyPtr ParsePublicKey(const std::string& pem) {
  const BioPtr bio(BIO_new_mem_buf(pem.data(), static_cast<int>(pem.size())));
  PkeyPtr key(PEM_read_bio_PUBKEY(bio.get(), nullptr, nullptr, nullptr));
  ERR_clear_error();
  return key;
}

// "" when the key is fit for the algorithm, else what is wrong with it.
std::string Unfit(const EVP_PKEY& key, JwtAlgorithm algorithm) {
  if (algorithm == JwtAlgorithm::kRs256) {
    if (EVP_PKEY_is_a(&key, "RSA") != 1) return "no RSA key";
    const int bits = EVP_PKEY_get_bits(&key);
    if (bits >= kMinRsaBits) return "";
    return absl::StrCat("RSA key of ", bits, " bits, expected at least ", kMinRsaBits);
  }
  if (EVP_PKEY_is_a(&key, "EC") != 1) return "no elliptic-curve key";
  char curve[64] = "";
  EVP_PKEY_get_utf8_string_param(&key, OSSL_PKEY_PARAM_GROUP_NAME, curve, sizeof(curve), nullptr);
  if (absl::string_view(curve) == "prime256v1") return "";
  return absl::StrCat("key on the curve ", curve, ", expected prime256v1 (P-256)");
}

absl::StatusOr<PkeyPtr> ReadPublicKey(const config::v1::Key& config, absl::string_view path) {
  constexpr absl::string_view kSetting = "public_key_file";
  const std::string& file = config.public_key_file();
  if (!config.secret().empty()) {
    return Invalid(path, "secret", "set for a public-key algorithm; remove it");
  }
  if (file.empty()) return Invalid(path, kSetting, "missing; name the PEM file of the public key");
  const std::optional<std::string> pem = ReadFile(file);
  if (!pem) {
    return Invalid(path, kSetting, absl::StrCat("cannot read \"", file, "\"; check the path"));
  }
  if (absl::StrContains(*pem, "PRIVATE KEY-----")) {
    return Invalid(path, kSetting,
                   absl::StrCat("\"", file,
                                "\" holds a private key, which belongs to the issuer; "
                                "give its public one (`openssl pkey -pubout`)"));
  }
  PkeyPtr key = ParsePublicKey(*pem);
  if (key == nullptr) {
    return Invalid(path, kSetting,
                   absl::StrCat("\"", file, "\" is no PEM public key (\"BEGIN PUBLIC KEY\")"));
  }
  return key;
}

}  // namespace

absl::StatusOr<JwtKey> JwtKey::Create(const config::v1::Key& config, absl::string_view path) {
  const std::optional<JwtAlgorithm> algorithm = JwtAlgorithmOf(config.algorithm());
  if (!algorithm) {
    return Invalid(path, "algorithm",
                   absl::StrCat("found \"", absl::CHexEscape(config.algorithm()),
                                "\", expected HS256, RS256 or ES256"));
  }
  if (*algorithm == JwtAlgorithm::kHs256) {
    PENSTOCK_ASSIGN_OR_RETURN(HmacSha256 secret, ReadSecret(config, path));
    return JwtKey(config, std::move(secret));
  }
  PENSTOCK_ASSIGN_OR_RETURN(const PkeyPtr pkey, ReadPublicKey(config, path));
  absl::StatusOr<JwtKey> key = OfPublicKey(config.kid(), *algorithm, *pkey);
  if (key.ok()) return key;
  return Invalid(path, "public_key_file",
                 absl::StrCat("\"", config.public_key_file(), "\": ", key.status().message(),
                              "; give a key for ", NameOf(*algorithm)));
}

absl::StatusOr<JwtKey> JwtKey::OfPublicKey(std::string kid, JwtAlgorithm algorithm, EVP_PKEY& key) {
  if (const std::string problem = Unfit(key, algorithm); !problem.empty()) {
    return absl::InvalidArgumentError(problem);
  }
  MdCtxPtr prepared(EVP_MD_CTX_new());
  if (EVP_DigestVerifyInit_ex(prepared.get(), nullptr, "SHA256", nullptr, nullptr, &key, nullptr) !=
      1) {
    ERR_clear_error();
    return absl::InvalidArgumentError("OpenSSL cannot verify with this key");
  }
  return JwtKey(std::move(kid), algorithm, std::move(prepared));
}

JwtKey::JwtKey(const config::v1::Key& config, HmacSha256 secret)
    : kid_(config.kid()), algorithm_(JwtAlgorithm::kHs256), secret_(std::move(secret)) {}

JwtKey::JwtKey(std::string kid, JwtAlgorithm algorithm, MdCtxPtr prepared)
    : kid_(std::move(kid)), algorithm_(algorithm), prepared_(std::move(prepared)) {}

bool JwtKey::Verify(absl::string_view input, absl::string_view signature) const {
  ++signature_checks;
  if (secret_) return secret_->Verify(input, signature);
  if (algorithm_ == JwtAlgorithm::kRs256) return VerifyPublic(input, signature);
  const std::optional<std::string> der = EcdsaRawToDer(signature);
  return der && VerifyPublic(input, *der);
}

bool JwtKey::VerifyPublic(absl::string_view input, absl::string_view signature) const {
  const auto bytes = [](absl::string_view text) {
    return reinterpret_cast<const unsigned char*>(text.data());
  };
  thread_local const MdCtxPtr context(EVP_MD_CTX_new());
  const bool verified = EVP_MD_CTX_copy_ex(context.get(), prepared_.get()) == 1 &&
                        EVP_DigestVerify(context.get(), bytes(signature), signature.size(),
                                         bytes(input), input.size()) == 1;
  if (!verified) ERR_clear_error();
  return verified;
}

int64_t SignatureChecksOfThisThread() { return signature_checks; }

}  // namespace penstock::identity
