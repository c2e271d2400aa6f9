#include "libs/identity/jwt_signer.h"

#include <cstdlib>
#include <utility>

#include <boost/json/object.hpp>
#include <boost/json/serialize.hpp>
#include <openssl/ec.h>
#include <openssl/err.h>
#include <openssl/pem.h>
#include <openssl/rsa.h>

#include "libs/identity/base64url.h"
#include "libs/identity/ecdsa_signature.h"

#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"

namespace penstock::identity {
namespace {

// Only fails when memory or OpenSSL's default provider is missing.
void Require(bool done) {
  if (!done) std::abort();
}

std::string ReadAll(BIO* bio) {
  char* data = nullptr;
  const auto size = BIO_get_mem_data(bio, &data);
  return std::string(data, static_cast<size_t>(size));
}

// Neither asks for a passphrase nor leaves an error in OpenSSL's queue.
PkeyPtr ParsePrivateKey(absl::string_view pem) {
  const BioPtr bio(BIO_new_mem_buf(pem.data(), static_cast<int>(pem.size())));
  char no_passphrase[] = "";
  PkeyPtr key(PEM_read_bio_PrivateKey(bio.get(), nullptr, nullptr, no_passphrase));
  ERR_clear_error();
  return key;
}

bool IsFor(JwtAlgorithm algorithm, const EVP_PKEY& key) {
  if (algorithm == JwtAlgorithm::kRs256) return EVP_PKEY_is_a(&key, "RSA") == 1;
  return EVP_PKEY_is_a(&key, "EC") == 1 && EVP_PKEY_get_bits(&key) == 256;
}

void SetText(boost::json::object& object, const char* name, absl::string_view text) {
  if (!text.empty()) object[name] = boost::json::string_view(text.data(), text.size());
}

}  // namespace

absl::StatusOr<KeyPem> GenerateKeyPem(JwtAlgorithm algorithm) {
  if (algorithm == JwtAlgorithm::kHs256) {
    return absl::InvalidArgumentError(
        "HS256 has no key pair; make a secret with `openssl rand -base64 32`");
  }
  const PkeyPtr key(algorithm == JwtAlgorithm::kRs256 ? EVP_RSA_gen(2048u) : EVP_EC_gen("P-256"));
  const BioPtr private_bio(BIO_new(BIO_s_mem()));
  const BioPtr public_bio(BIO_new(BIO_s_mem()));
  Require(key != nullptr &&
          PEM_write_bio_PKCS8PrivateKey(private_bio.get(), key.get(), nullptr, nullptr, 0, nullptr,
                                        nullptr) == 1 &&
          PEM_write_bio_PUBKEY(public_bio.get(), key.get()) == 1);
  return KeyPem{.private_key = ReadAll(private_bio.get()), .public_key = ReadAll(public_bio.get())};
}

JwtSigner::JwtSigner(JwtAlgorithm algorithm, absl::string_view kid) : algorithm_(algorithm) {
  boost::json::object header;
  SetText(header, "alg", NameOf(algorithm));
  SetText(header, "typ", "JWT");
  SetText(header, "kid", kid);
  header_ = boost::json::serialize(header);
}

absl::StatusOr<JwtSigner> JwtSigner::Create(JwtAlgorithm algorithm, absl::string_view key,
                                            absl::string_view kid) {
  JwtSigner signer(algorithm, kid);
  if (algorithm == JwtAlgorithm::kHs256) {
    if (key.size() < 32) {
      return absl::InvalidArgumentError(
          absl::StrCat("secret: found ", key.size(), " bytes, expected at least 32"));
    }
    signer.secret_.emplace(key);
    return signer;
  }
  signer.private_key_ = ParsePrivateKey(key);
  if (signer.private_key_ == nullptr || !IsFor(algorithm, *signer.private_key_)) {
    return absl::InvalidArgumentError(
        absl::StrCat("private key: expected an unencrypted PEM key for ", NameOf(algorithm)));
  }
  return signer;
}

std::string JwtSigner::Sign(const TokenContent& content) const {
  boost::json::object payload;
  SetText(payload, "iss", content.issuer);
  SetText(payload, "aud", content.audience);
  SetText(payload, "sub", content.subject);
  SetText(payload, "tenant", content.tenant);
  SetText(payload, "tier", content.tier);
  SetText(payload, "scope", absl::StrJoin(content.scopes, " "));
  payload["iat"] = absl::ToUnixSeconds(content.issued_at);
  payload["exp"] = absl::ToUnixSeconds(content.expires);
  return SignPayload(boost::json::serialize(payload));
}

std::string JwtSigner::SignPayload(absl::string_view payload) const {
  return SignParts(header_, payload);
}

std::string JwtSigner::SignParts(absl::string_view header, absl::string_view payload) const {
  const std::string input = absl::StrCat(EncodeBase64Url(header), ".", EncodeBase64Url(payload));
  return absl::StrCat(input, ".", EncodeBase64Url(Signature(input)));
}

std::string JwtSigner::Signature(absl::string_view input) const {
  if (secret_) {
    const HmacSha256::Mac mac = secret_->Sign(input);
    return std::string(mac.begin(), mac.end());
  }
  const MdCtxPtr context(EVP_MD_CTX_new());
  const auto* data = reinterpret_cast<const unsigned char*>(input.data());
  size_t size = 0;
  Require(EVP_DigestSignInit_ex(context.get(), nullptr, "SHA256", nullptr, nullptr,
                                private_key_.get(), nullptr) == 1 &&
          EVP_DigestSign(context.get(), nullptr, &size, data, input.size()) == 1);
  std::string signature(size, '\0');
  Require(EVP_DigestSign(context.get(), reinterpret_cast<unsigned char*>(signature.data()), &size,
                         data, input.size()) == 1);
  signature.resize(size);
  return algorithm_ == JwtAlgorithm::kEs256 ? EcdsaDerToRaw(signature) : signature;
}

}  // namespace penstock::identity
