// Builds the table of token_attacks.h; for its three sources alone.
#pragma once

#include <functional>
#include <map>
#include <string>
#include <utility>
#include <vector>

#include "libs/identity/base64url.h"
#include "libs/identity/token_attacks.h"
#include "libs/identity/token_lab.h"

#include "absl/strings/str_cat.h"
#include "absl/strings/string_view.h"

namespace penstock::identity {

inline constexpr char kEsHeader[] = R"({"alg":"ES256","kid":"es"})";
inline constexpr char kRsHeader[] = R"({"alg":"RS256","kid":"rs"})";
inline constexpr char kHsHeader[] = R"({"alg":"HS256","kid":"hs"})";

// Collects the attacks; one method for each thing that is attacked.
class TokenAttackCollector {
 public:
  explicit TokenAttackCollector(const TokenLab& lab) : lab_(lab) {}

  void Forms();
  void Encodings();
  void Algorithms();
  void Headers();
  void KeysInHeaders();
  void Kids();
  void Confusions();
  void EcdsaSignatures();
  void OtherSignatures();
  void Times();
  void Audiences();
  void Tenants();
  void Users();
  void Numbers();
  void SpeakingForOthers();

  std::vector<TokenAttack> attacks;

 private:
  using Claims = std::map<std::string, std::string>;

  const JwtSigner& Es() const { return lab_.SignerOf(JwtAlgorithm::kEs256); }
  const JwtSigner& Rs() const { return lab_.SignerOf(JwtAlgorithm::kRs256); }
  const JwtSigner& Hs() const { return lab_.SignerOf(JwtAlgorithm::kHs256); }
  std::string Good() const { return Es().SignPayload(TokenLab::Payload()); }
  static std::string At(int64_t offset) {
    return absl::StrCat(absl::ToUnixSeconds(TokenLab::Now()) + offset);
  }

  void Token(std::string name, const std::string& token, std::string reason) {
    attacks.push_back({std::move(name), "Bearer " + token, std::move(reason)});
  }
  // Properly signed, over a header or claims that are not proper.
  void Header(std::string name, const std::string& header, std::string reason) {
    Token(std::move(name), Es().SignParts(header, TokenLab::Payload()), std::move(reason));
  }
  void Member(std::string name, const std::string& member, std::string reason) {
    Header(std::move(name), absl::StrCat(R"({"alg":"ES256","kid":"es",)", member, "}"),
           std::move(reason));
  }
  void Claim(std::string name, const Claims& claims, std::string reason) {
    Token(std::move(name), Es().SignPayload(TokenLab::Payload(claims)), std::move(reason));
  }
  // A good token with another signature.
  void Signature(std::string name, absl::string_view header,
                 const std::function<std::string(absl::string_view input)>& sign) {
    const std::string input =
        absl::StrCat(EncodeBase64Url(header), ".", EncodeBase64Url(TokenLab::Payload()));
    Token(std::move(name), absl::StrCat(input, ".", EncodeBase64Url(sign(input))),
          "TOKEN_SIGNATURE");
  }

  const TokenLab& lab_;
};

}  // namespace penstock::identity
