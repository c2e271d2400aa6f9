// The one place where absl::Status meets grpc::Status.
//
// A status with details (libs/base/refusal.h) travels as google.rpc.Status in
// grpc-status-details-bin, as AIP-193 clients in every language expect it.
#pragma once

#include <grpcpp/support/status.h>

#include "absl/status/status.h"

namespace penstock::rpc {

grpc::Status ToGrpc(const absl::Status& status);

// Details that do not parse are dropped; code and message are kept.
absl::Status FromGrpc(const grpc::Status& status);

// What a call came to that nobody on this side has cancelled: CANCELLED is UNAVAILABLE then. A gRPC
// server that shuts down ends so the calls that reach it too late, before a handler has seen them,
// and those that outlast its grace.
absl::Status FromServer(const grpc::Status& status);

}  // namespace penstock::rpc
