// What a call to another service carries beside its request.
#pragma once

#include <stop_token>
#include <string>

#include <grpcpp/client_context.h>

#include "absl/time/time.h"

namespace penstock::rpc {

struct CallOptions {
  // Unary calls without one are given 120 s from now; streams may be endless.
  absl::Time deadline = absl::InfiniteFuture();
  // Bytes of a grant (libs/identity/grant.h); empty: none is sent.
  std::string grant;
  // W3C trace context; empty: none is sent.
  std::string traceparent;
  // Cancels the call.
  std::stop_token stop;
};

// Sets deadline and metadata.
void Prepare(const CallOptions& options, bool unary, grpc::ClientContext& context);

}  // namespace penstock::rpc
