#include "libs/rpc/server_call.h"

#include <utility>

#include "libs/base/refusal.h"
#include "libs/base/status_macros.h"
#include "libs/identity/grant.h"
#include "libs/rpc/peer_policy.h"

#include "absl/strings/str_cat.h"

namespace penstock::rpc {
namespace {

absl::Time DeadlineOf(const grpc::CallbackServerContext& context) {
  const auto deadline = context.deadline();
  if (deadline == std::chrono::system_clock::time_point::max()) return absl::InfiniteFuture();
  return absl::FromChrono(deadline);
}

absl::StatusOr<identity::Credentials> CredentialsOf(const grpc::CallbackServerContext& context) {
  identity::Credentials credentials;
  const struct {
    absl::string_view key;
    absl::string_view* value;
  } sources[] = {{"authorization", &credentials.authorization},
                 {"penstock-on-behalf-of", &credentials.on_behalf_of},
                 {identity::kGrantMetadata, &credentials.grant}};
  for (const auto& [key, value] : sources) {
    if (context.client_metadata().count(grpc::string_ref(key.data(), key.size())) > 1) {
      return Refusal(absl::StatusCode::kUnauthenticated, "TOKEN_MALFORMED",
                     absl::StrCat("metadata ", key, ": found more than once, allowed once"));
    }
    *value = MetadataValue(context, key);
  }
  return credentials;
}

}  // namespace

ServerCall::ServerCall(const grpc::CallbackServerContext& context, identity::Principal principal,
                       std::stop_token stop)
    : principal_(std::move(principal)),
      deadline_(DeadlineOf(context)),
      trace_(obs::ParseOrStart(MetadataValue(context, "traceparent"))),
      stop_(std::move(stop)) {}

absl::string_view MetadataValue(const grpc::CallbackServerContext& context, absl::string_view key) {
  const auto& metadata = context.client_metadata();
  const auto found = metadata.find(grpc::string_ref(key.data(), key.size()));
  if (found == metadata.end()) return "";
  return absl::string_view(found->second.data(), found->second.size());
}

absl::StatusOr<identity::Principal> Authenticate(const grpc::CallbackServerContext& context,
                                                 const ServerEnvironment& environment) {
  // Of the connection, not of the call: so it says nothing about the user.
  if (environment.callers != nullptr) {
    PENSTOCK_RETURN_IF_ERROR(environment.callers->Check(*context.auth_context()));
  }
  PENSTOCK_ASSIGN_OR_RETURN(const identity::Credentials credentials, CredentialsOf(context));
  return environment.authenticator.Authenticate(credentials, environment.clock.Now());
}

bool AwaitAuthentication(const grpc::CallbackServerContext& context,
                         const identity::Authenticator& authenticator, const absl::Status& refusal,
                         absl::AnyInvocable<void()> again) {
  const auto credentials = CredentialsOf(context);
  return credentials.ok() && authenticator.Await(*credentials, refusal, std::move(again));
}

}  // namespace penstock::rpc
