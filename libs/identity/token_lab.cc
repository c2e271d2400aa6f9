#include "libs/identity/token_lab.h"

#include <cstdlib>
#include <filesystem>
#include <fstream>

#include <unistd.h>

#include "absl/strings/escaping.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"

namespace penstock::identity {
namespace {

const std::string kSecret(32, 's');
const std::string kOtherSecret(32, 'o');

std::string WriteFile(const std::string& path, const std::string& text) {
  std::ofstream(path, std::ios::binary) << text;
  return path;
}

void AddKey(config::v1::Issuer& issuer, JwtAlgorithm algorithm, const std::string& kid,
            const std::string& secret, const std::string& file) {
  config::v1::Key& key = *issuer.add_keys();
  key.set_kid(kid);
  key.set_algorithm(std::string(NameOf(algorithm)));
  if (!secret.empty()) key.set_secret(absl::Base64Escape(secret));
  key.set_public_key_file(file);
}

}  // namespace

TokenLab::TokenLab(const std::string& folder)
    : rsa_(GenerateKeyPem(JwtAlgorithm::kRs256).value()),
      ec_(GenerateKeyPem(JwtAlgorithm::kEs256).value()),
      hs256_(JwtSigner::Create(JwtAlgorithm::kHs256, kSecret, "hs").value()),
      rs256_(JwtSigner::Create(JwtAlgorithm::kRs256, rsa_.private_key, "rs").value()),
      es256_(JwtSigner::Create(JwtAlgorithm::kEs256, ec_.private_key, "es").value()),
      other_(JwtSigner::Create(JwtAlgorithm::kHs256, kOtherSecret, "hs").value()) {
  config_.mutable_leeway()->set_seconds(30);
  config::v1::Issuer& issuer = *config_.add_issuers();
  issuer.set_issuer("https://issuer.test");
  issuer.set_audience("penstock");
  issuer.add_tenants("acme");
  issuer.add_tenants("beta");
  AddKey(issuer, JwtAlgorithm::kHs256, "hs", kSecret, "");
  AddKey(issuer, JwtAlgorithm::kRs256, "rs", "",
         WriteFile(absl::StrCat(folder, "/rsa.pem"), rsa_.public_key));
  AddKey(issuer, JwtAlgorithm::kEs256, "es", "",
         WriteFile(absl::StrCat(folder, "/ec.pem"), ec_.public_key));
  config::v1::Issuer& other = *config_.add_issuers();
  other.set_issuer("https://other.test");
  other.set_audience("penstock");
  other.add_tenants("other");
  AddKey(other, JwtAlgorithm::kHs256, "hs", kOtherSecret, "");
  verifier_ = JwtVerifier::Create(config_, {"free", "paid"}).value();
}

const JwtSigner& TokenLab::SignerOf(JwtAlgorithm algorithm) const {
  switch (algorithm) {
    case JwtAlgorithm::kHs256:
      return hs256_;
    case JwtAlgorithm::kRs256:
      return rs256_;
    case JwtAlgorithm::kEs256:
      return es256_;
  }
  std::abort();
}

std::string TokenLab::Payload(const std::map<std::string, std::string>& claims) {
  const int64_t now = absl::ToUnixSeconds(Now());
  std::map<std::string, std::string> all = {
      {"iss", R"("https://issuer.test")"}, {"aud", R"("penstock")"},         {"sub", R"("ann")"},
      {"iat", absl::StrCat(now - 10)},     {"exp", absl::StrCat(now + 300)},
  };
  for (const auto& [name, value] : claims) all[name] = value;
  for (const auto& [name, value] : claims) {
    if (value.empty()) all.erase(name);
  }
  return absl::StrCat("{",
                      absl::StrJoin(all, ",",
                                    [](std::string* out, const auto& claim) {
                                      absl::StrAppend(out, "\"", claim.first, "\":", claim.second);
                                    }),
                      "}");
}

const TokenLab& SharedTokenLab() {
  static const TokenLab* const lab = [] {
    std::string folder = (std::filesystem::temp_directory_path() / "token_lab.XXXXXX").string();
    if (mkdtemp(folder.data()) == nullptr) std::abort();
    const auto* made = new TokenLab(folder);
    std::filesystem::remove_all(folder);  // the keys have been read
    return made;
  }();
  return *lab;
}

}  // namespace penstock::identity
