#include "services/cli/token_mint.h"

#include <cstdlib>

#include "libs/base/clock.h"
#include "libs/base/status_macros.h"
#include "libs/host/config_loader.h"
#include "libs/host/did_you_mean.h"
#include "libs/host/tiers.h"
#include "libs/identity/jwt_signer.h"
#include "services/cli/key_file.h"

#include "absl/strings/ascii.h"
#include "absl/strings/escaping.h"
#include "absl/strings/str_cat.h"

namespace penstock::cli {
namespace {

using identity::JwtAlgorithm;
using identity::JwtSigner;

// What --config says of tokens.
struct Configured {
  // The one that --issuer names, else the first.
  config::v1::Issuer issuer = {};
  std::vector<std::string> tiers = {};
};

// Empty without --config.
absl::StatusOr<Configured> ConfiguredIssuer(const Arguments& arguments) {
  if (!arguments.Has("--config")) return Configured();
  PENSTOCK_ASSIGN_OR_RETURN(const auto config, host::LoadConfig(arguments.Value("--config")));
  std::vector<std::string> names;
  for (const auto& issuer : config.identity().issuers()) {
    if (arguments.Value("--issuer", issuer.issuer()) == issuer.issuer()) {
      return Configured{.issuer = issuer, .tiers = host::TierNames(config)};
    }
    names.push_back(issuer.issuer());
  }
  if (names.empty()) {
    return absl::FailedPreconditionError(
        absl::StrCat(arguments.Value("--config"), ": identity.issuers is empty"));
  }
  return UsageError(absl::StrCat("--issuer: ", arguments.Value("--issuer"), " is not in ",
                                 arguments.Value("--config"),
                                 host::DidYouMean(arguments.Value("--issuer"), names)));
}

// Whichever way the bytes came.
absl::StatusOr<JwtSigner> SecretSigner(absl::string_view base64, absl::string_view kid,
                                       absl::string_view source) {
  std::string secret;
  if (!absl::Base64Unescape(absl::StripAsciiWhitespace(base64), &secret)) {
    return UsageError(absl::StrCat(source, ": the secret is not base64"));
  }
  auto signer = JwtSigner::Create(JwtAlgorithm::kHs256, secret, kid);
  if (signer.ok()) return signer;
  return UsageError(absl::StrCat(source, ": ", signer.status().message()));
}

absl::StatusOr<JwtSigner> KeyFileSigner(const std::string& path, absl::string_view kid) {
  PENSTOCK_ASSIGN_OR_RETURN(const std::string pem, ReadKeyFile(path));
  for (const auto algorithm : {JwtAlgorithm::kEs256, JwtAlgorithm::kRs256}) {
    auto signer = JwtSigner::Create(algorithm, pem, kid);
    if (signer.ok()) return signer;
  }
  return UsageError(absl::StrCat(
      "--key-file: ", path,
      " is no unencrypted PEM private key for ES256 (P-256) or RS256 (2,048 bits or more)"));
}

absl::StatusOr<JwtSigner> ConfiguredSigner(const config::v1::Issuer& issuer,
                                           const Arguments& arguments) {
  for (const auto& key : issuer.keys()) {
    if (key.algorithm() != "HS256") continue;
    if (arguments.Value("--kid", key.kid()) != key.kid()) continue;
    return SecretSigner(key.secret(), key.kid(), arguments.Value("--config"));
  }
  return UsageError(absl::StrCat(arguments.Value("--config"), ": issuer ", issuer.issuer(),
                                 " has no HS256 key", arguments.Has("--kid") ? " of that kid" : "",
                                 "; give the private key with --key-file and --kid"));
}

// The kid of an issuer that has only one key needs no saying.
std::string KidOf(const config::v1::Issuer& issuer, const Arguments& arguments) {
  return arguments.Value("--kid", issuer.keys_size() == 1 ? issuer.keys(0).kid() : "");
}

absl::StatusOr<JwtSigner> SignerOf(const config::v1::Issuer& issuer, const Arguments& arguments) {
  const std::string kid = KidOf(issuer, arguments);
  if (arguments.Has("--key-file")) return KeyFileSigner(arguments.Value("--key-file"), kid);
  if (arguments.Has("--secret-file")) {
    PENSTOCK_ASSIGN_OR_RETURN(const std::string secret,
                              ReadKeyFile(arguments.Value("--secret-file")));
    return SecretSigner(secret, kid, "--secret-file");
  }
  if (arguments.Has("--secret-env")) {
    const char* secret = std::getenv(arguments.Value("--secret-env").c_str());
    if (secret != nullptr) return SecretSigner(secret, kid, "--secret-env");
    return UsageError(
        absl::StrCat("--secret-env: ", arguments.Value("--secret-env"), " is not set"));
  }
  if (arguments.Has("--config")) return ConfiguredSigner(issuer, arguments);
  return UsageError(
      "nothing to sign with; give --config, --secret-file, --secret-env or --key-file");
}

absl::StatusOr<identity::TokenContent> ContentOf(const Configured& from,
                                                 const Arguments& arguments) {
  const config::v1::Issuer& issuer = from.issuer;
  if (!arguments.Has("--user")) return UsageError("--user is missing");
  const bool configured = arguments.Has("--config");
  if (!configured && !arguments.Has("--issuer")) {
    return UsageError("--issuer is missing; --config would tell it");
  }
  PENSTOCK_ASSIGN_OR_RETURN(const absl::Duration ttl, arguments.Duration("--ttl", absl::Hours(1)));
  identity::TokenContent content;
  content.issuer = arguments.Value("--issuer", issuer.issuer());
  content.audience = arguments.Value("--audience", configured ? issuer.audience() : "penstock");
  content.subject = arguments.Value("--user");
  content.tenant = arguments.Value("--tenant");
  content.tier = arguments.Value("--tier");
  if (configured && !content.tier.empty()) {
    PENSTOCK_RETURN_IF_ERROR(arguments.Choice("--tier", from.tiers).status());
  }
  content.scopes = arguments.Values("--scope");
  content.issued_at = SystemClock().Now();
  content.expires = content.issued_at + ttl;
  return content;
}

}  // namespace

std::vector<Flag> MintFlags() {
  return {{"--user", "U", "for whom"},
          {"--tenant", "T", "default: the issuer's first"},
          {"--tier", "TIER", "one of the configuration's tiers; default: free"},
          {"--scope", "S", "turns.action, operator, act_as", true},
          {"--ttl", "D", "how long it is valid; default: 1h"},
          {"--config", "FILE", "take issuer, audience, kid and HS256 secret from it"},
          {"--issuer", "I", "default: the first of --config"},
          {"--audience", "A", "default: that of --config, else penstock"},
          {"--kid", "KID", "which key of the issuer"},
          {"--secret-file", "F", "HS256: file with the secret, base64"},
          {"--secret-env", "NAME", "HS256: environment variable with the secret, base64"},
          {"--key-file", "PEM", "ES256 or RS256: file with the private key"}};
}

absl::StatusOr<std::string> MintToken(const Arguments& arguments) {
  PENSTOCK_ASSIGN_OR_RETURN(const Configured from, ConfiguredIssuer(arguments));
  PENSTOCK_ASSIGN_OR_RETURN(const identity::TokenContent content, ContentOf(from, arguments));
  PENSTOCK_ASSIGN_OR_RETURN(const JwtSigner signer, SignerOf(from.issuer, arguments));
  return signer.Sign(content);
}

}  // namespace penstock::cli
