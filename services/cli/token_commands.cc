#include "services/cli/token_commands.h"

#include <algorithm>

#include "libs/base/status_macros.h"
#include "libs/host/config_loader.h"
#include "libs/host/did_you_mean.h"
#include "libs/identity/grant.h"
#include "libs/identity/jwt_signer.h"
#include "services/cli/console.h"
#include "services/cli/exit_code.h"
#include "services/cli/key_file.h"
#include "services/cli/token_mint.h"

#include "absl/strings/escaping.h"
#include "absl/strings/str_cat.h"

namespace penstock::cli {
namespace {

absl::Status RequireFlags(const Arguments& arguments, const std::vector<std::string>& flags) {
  for (const std::string& flag : flags) {
    if (!arguments.Has(flag)) return UsageError(absl::StrCat(flag, " is missing"));
  }
  return absl::OkStatus();
}

absl::StatusOr<int> Mint(const Arguments& arguments, Console& console) {
  PENSTOCK_ASSIGN_OR_RETURN(const std::string token, MintToken(arguments));
  console.Out(token + "\n");
  return kExitOk;
}

absl::StatusOr<int> GrantKey(const Arguments& arguments, Console& console) {
  PENSTOCK_RETURN_IF_ERROR(RequireFlags(arguments, {"--config", "--audience"}));
  const std::vector<std::string> services = {std::string(identity::kDispatcherAudience),
                                             std::string(identity::kSessionStateAudience),
                                             std::string(identity::kMemoryRecallAudience),
                                             std::string(identity::kProviderAdapterAudience)};
  const std::string audience = arguments.Value("--audience");
  if (std::find(services.begin(), services.end(), audience) == services.end()) {
    return UsageError(absl::StrCat("--audience: unknown service '", audience, "'",
                                   host::DidYouMean(audience, services)));
  }
  PENSTOCK_ASSIGN_OR_RETURN(auto config, host::LoadConfig(arguments.Value("--config")));
  config::v1::Identity& settings = *config.mutable_identity();
  if (arguments.Has("--previous")) {
    if (settings.previous_grant_root().empty()) {
      return absl::FailedPreconditionError(
          absl::StrCat(arguments.Value("--config"), ": identity.previous_grant_root is empty"));
    }
    settings.set_grant_root(settings.previous_grant_root());
  }
  PENSTOCK_ASSIGN_OR_RETURN(const std::string root, identity::GrantRootOf(settings));
  console.Out(absl::Base64Escape(identity::DeriveGrantKey(root, audience)) + "\n");
  return kExitOk;
}

absl::StatusOr<int> GenerateKey(const Arguments& arguments, Console& console) {
  PENSTOCK_RETURN_IF_ERROR(RequireFlags(arguments, {"--private", "--public"}));
  PENSTOCK_ASSIGN_OR_RETURN(const std::string algorithm,
                            arguments.Choice("--algorithm", {"ES256", "RS256"}));
  PENSTOCK_ASSIGN_OR_RETURN(const identity::KeyPem pem,
                            identity::GenerateKeyPem(*identity::JwtAlgorithmOf(algorithm)));
  constexpr int kOwnerOnly = 0600;
  constexpr int kEverybodyReads = 0644;
  PENSTOCK_RETURN_IF_ERROR(WriteNewFile(arguments.Value("--private"), pem.private_key, kOwnerOnly));
  PENSTOCK_RETURN_IF_ERROR(
      WriteNewFile(arguments.Value("--public"), pem.public_key, kEverybodyReads));
  console.Notice(
      absl::StrCat("the private key, for who issues tokens: ", arguments.Value("--private"),
                   "\nthe public key, for identity.issuers[].keys[].public_key_file: ",
                   arguments.Value("--public"), "\n"));
  return kExitOk;
}

}  // namespace

std::vector<Command> TokenCommands() {
  return {
      {"token mint",
       {},
       "print a token for a user",
       MintFlags(),
       {"penstock token mint --config deploy/config/standalone.yaml --user ann",
        "penstock token mint --user ann --issuer https://issuer.example --key-file issuer.pem "
        "--kid 2026"},
       Mint},
      {"token grant-key",
       {},
       "print the grant key of one service, for its identity.grant_key",
       {{"--config", "FILE", "configuration with identity.grant_root"},
        {"--audience", "SERVICE", "dispatcher, session-state, memory-recall or provider-adapter"},
        {"--previous", "", "the key under identity.previous_grant_root instead"}},
       {"penstock token grant-key --config penstock.yaml --audience session-state"},
       GrantKey},
      {"token keygen",
       {},
       "make a key pair for an issuer of tokens; no file is overwritten",
       {{"--algorithm", "A", "ES256 (default) or RS256"},
        {"--private", "FILE", "where the private key goes, as PEM"},
        {"--public", "FILE", "where the public key goes, as PEM"}},
       {"penstock token keygen --algorithm ES256 --private issuer.pem --public issuer.pub.pem"},
       GenerateKey}};
}

}  // namespace penstock::cli
