#include "services/cli/refusal_text.h"

#include <algorithm>
#include <cmath>
#include <map>

#include "libs/base/refusal.h"

#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "absl/strings/strip.h"

namespace penstock::cli {
namespace {

constexpr absl::string_view kMint = "`penstock token mint --config FILE --user USER`";

// By ErrorInfo.reason. Reasons whose message says it all are not here.
const std::map<absl::string_view, std::string>& AdviceByReason() {
  static const auto* advice = new std::map<absl::string_view, std::string>{
      {"TOKEN_MISSING",
       absl::StrCat("give a token with --token or PENSTOCK_TOKEN; ", kMint, " makes one")},
      {"TOKEN_MALFORMED",
       absl::StrCat("give the token as it was printed, without \"Bearer\"; ", kMint, " makes one")},
      {"TOKEN_EXPIRED", absl::StrCat("make a new token: ", kMint)},
      {"TOKEN_NOT_YET_VALID", "compare the clocks of this machine and of the gateway's"},
      {"TOKEN_SIGNATURE",
       absl::StrCat("sign with the gateway's key: ", kMint, " with the gateway's configuration")},
      {"TOKEN_KEY_UNKNOWN",
       absl::StrCat("use a kid of identity.issuers: ", kMint, " with the gateway's configuration")},
      {"TOKEN_ISSUER", absl::StrCat("use an issuer of identity.issuers: ", kMint,
                                    " with the gateway's configuration")},
      {"TOKEN_AUDIENCE", absl::StrCat("use the audience of the issuer: ", kMint,
                                      " with the gateway's configuration")},
      {"TOKEN_ALGORITHM", "sign with the algorithm that identity.issuers gives for the key"},
      {"TOKEN_TENANT", "name a tenant of the issuer with `penstock token mint --tenant`"},
      {"PEER_NOT_ALLOWED",
       "give a certificate that may call with --tls-cert and --tls-key, or have its name added to "
       "the gateway's tls.gateway_callers"},
      {"ACT_AS_REQUIRED", "say for whom with --on-behalf-of USER"},
      {"SESSION_NOT_FOUND",
       "`penstock session list` shows the sessions there are; `penstock session create ID` makes "
       "one"},
      {"TURN_NOT_FOUND", "`penstock turn list` shows the turns there are"},
      {"MEMORY_NOT_FOUND", "`penstock memory list` shows the memories there are"},
      {"AGENT_NOT_FOUND", "name an agent of the gateway's configuration (agents[].id)"},
      {"SESSION_EXISTS", "choose another id, or leave it out and get a new one"},
      {"SESSION_BUSY", "wait for the running turn, or cancel it with `penstock turn cancel`"},
      {"VERSION_MISMATCH", "read it again with `penstock session get`, and use the etag it shows"},
      {"REQUEST_ID_REUSED", "give another --request-id, or repeat the first request unchanged"},
      {"OVERRIDE_FORBIDDEN",
       "leave it to the agent, or choose an agent that allows it (overridable)"},
      {"SESSION_QUEUE_FULL", "wait until earlier turns of the session are done"},
      {"USER_RATE", "a token of a tier with more turns per hour (tiers[].turns_per_hour) helps"},
      {"USER_BUDGET", "a token of a tier with a larger budget (tiers[]) helps"},
      {"TENANT_BUDGET", "whoever runs the gateway can raise the tenant's budget (tenants[])"},
      {"DRAINING", "the gateway is stopping; the same request succeeds at its successor"},
      {"PROVIDER_AUTH",
       "check the provider's key where the provider-adapter runs (api_key_env or api_key_file)"},
      {"PROVIDER_QUOTA", "the provider's account is used up; waiting does not help"},
      {"PROVIDER_UNREACHABLE", "check providers[].base_url, and that the provider is up"},
      {"TOOL_CALL_MISMATCH",
       "`penstock turn get` shows the calls that wait; give each of them one result, all at once"},
      {"TURN_NOT_AWAITING_TOOLS",
       "`penstock turn get` shows what became of the turn; its results were given or came too "
       "late"},
      {"TOOL_TIMEOUT", "give results sooner, or raise turn.tool_timeout of the gateway"},
      {"CONTEXT_WINDOW", "say less, start a new session, or choose a model with a larger window"},
  };
  return *advice;
}

std::string AdviceByCode(absl::StatusCode code, absl::string_view address) {
  switch (code) {
    case absl::StatusCode::kUnavailable:
      return absl::StrCat("is the gateway running at ", address,
                          "? --address or PENSTOCK_ADDRESS names another; one with mutual TLS "
                          "needs --tls-ca, --tls-cert and --tls-key");
    case absl::StatusCode::kDeadlineExceeded:
      return "allow more time with --timeout";
    case absl::StatusCode::kUnimplemented:
      return absl::StrCat("is it a gateway that listens at ", address, ", and as new as this?");
    default:
      return "";
  }
}

std::string Advice(const absl::Status& status, absl::string_view address) {
  const std::string reason = ReasonOf(status);
  if (reason.empty()) return AdviceByCode(status.code(), address);
  if (const std::string scope = MetadataOf(status, "scope");
      reason == "SCOPE_MISSING" && !scope.empty()) {
    return absl::StrCat("use a token with it: `penstock token mint ... --scope ", scope, "`");
  }
  const auto found = AdviceByReason().find(reason);
  return found == AdviceByReason().end() ? "" : found->second;
}

// gRPC's message for a gateway that is not there begins with its own state of affairs.
std::string MessageOf(const absl::Status& status) {
  absl::string_view message = status.message();
  constexpr absl::string_view kLastError = "last error: ";
  const size_t last_error = message.find(kLastError);
  if (status.code() == absl::StatusCode::kUnavailable && last_error != absl::string_view::npos) {
    message.remove_prefix(last_error + kLastError.size());
    absl::ConsumePrefix(&message, "UNKNOWN: ");
    absl::ConsumePrefix(&message, "UNAVAILABLE: ");
  }
  return std::string(message);
}

}  // namespace

std::string DurationText(double seconds) {
  if (seconds < 0.9995) return absl::StrFormat("%.0f ms", std::max(0.0, seconds) * 1000);
  if (seconds < 9.95) {
    const double rounded = std::round(seconds * 10) / 10;
    return rounded == std::floor(rounded) ? absl::StrFormat("%.0f s", rounded)
                                          : absl::StrFormat("%.1f s", rounded);
  }
  if (seconds < 90) return absl::StrFormat("%.0f s", seconds);
  if (seconds < 90 * 60) return absl::StrFormat("%.0f min", seconds / 60);
  return absl::StrFormat("%.0f h", seconds / 3600);
}

std::string RefusalText(const absl::Status& status, absl::string_view address,
                        absl::string_view subject) {
  std::string reason = ReasonOf(status);
  if (reason.empty()) reason = absl::StatusCodeToString(status.code());
  const std::string said = SaidBy(status);
  const std::string message = MessageOf(status);
  const std::string& first = said.empty() ? message : said;
  std::string text = absl::StrCat("penstock: ", subject, subject.empty() ? "" : ": ", first,
                                  first.empty() ? "" : " ", "(", reason, ")\n");
  if (!said.empty() && !message.empty()) absl::StrAppend(&text, "why: ", message, "\n");
  if (const auto delay = RetryAfterOf(status)) {
    absl::StrAppend(&text, "try again in ", DurationText(absl::ToDoubleSeconds(*delay)), "\n");
  }
  if (const std::string advice = Advice(status, address); !advice.empty()) {
    absl::StrAppend(&text, "what to do: ", advice, "\n");
  }
  return text;
}

}  // namespace penstock::cli
