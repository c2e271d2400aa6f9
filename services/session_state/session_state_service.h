// The gRPC rim of session-state: takes the user from the grant, the rest from the request.
#pragma once

#include <memory>

#include <grpcpp/impl/service_type.h>

#include "libs/rpc/method.h"
#include "services/session_state/session_state.h"

namespace penstock::session_state {

// Both must outlive the service, and the service its server.
std::unique_ptr<grpc::Service> MakeSessionStateService(SessionState& core,
                                                       const rpc::ServerEnvironment& environment);

}  // namespace penstock::session_state
