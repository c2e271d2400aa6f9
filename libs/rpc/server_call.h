// What a handler knows about the call it answers, beside the request.
#pragma once

#include <stop_token>
#include <string>

#include <grpcpp/server_context.h>

#include "libs/identity/principal.h"
#include "libs/obs/trace.h"
#include "libs/rpc/method.h"

#include "absl/functional/any_invocable.h"
#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "absl/time/time.h"

namespace penstock::rpc {

// Lives as long as its handler runs.
class ServerCall {
 public:
  // `stop` stops when the caller goes.
  ServerCall(const grpc::CallbackServerContext& context, identity::Principal principal,
             std::stop_token stop);

  // For whom the call works; verified.
  const identity::Principal& principal() const { return principal_; }

  // The caller's deadline; InfiniteFuture when there is none.
  absl::Time deadline() const { return deadline_; }

  // Stops when the caller has gone or cancelled.
  std::stop_token stop_token() const { return stop_; }

  const obs::TraceContext& trace() const { return trace_; }

 private:
  const identity::Principal principal_;
  const absl::Time deadline_;
  const obs::TraceContext trace_;
  const std::stop_token stop_;
};

// One value of the call's metadata, or "".
absl::string_view MetadataValue(const grpc::CallbackServerContext& context, absl::string_view key);

// For whom the call works, by the environment's authenticator; before that, whether the peer's
// certificate may call at all. UNAUTHENTICATED or PERMISSION_DENIED otherwise.
absl::StatusOr<identity::Principal> Authenticate(const grpc::CallbackServerContext& context,
                                                 const ServerEnvironment& environment);

// Whether to wait with that refusal: identity::Authenticator::Await.
bool AwaitAuthentication(const grpc::CallbackServerContext& context,
                         const identity::Authenticator& authenticator, const absl::Status& refusal,
                         absl::AnyInvocable<void()> again);

}  // namespace penstock::rpc
