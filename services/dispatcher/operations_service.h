// The RPCs of dispatcher.v1.Operations: unpack, ask the core, pack. For dispatcher_process.cc only.
#pragma once

#include "libs/rpc/server.h"
#include "penstock/dispatcher/v1/operations.grpc.pb.h"
#include "services/dispatcher/dispatcher_core.h"

namespace penstock::dispatcher {

class OperationsService final : public v1::Operations::CallbackService {
 public:
  OperationsService(const DispatcherCore& core, const rpc::ServerEnvironment& environment);

  grpc::ServerUnaryReactor* GetLoad(grpc::CallbackServerContext* context,
                                    const v1::GetLoadRequest* request, v1::Load* response) override;

 private:
  Awaitable<absl::Status> Load(rpc::ServerCall& call, const v1::GetLoadRequest& request,
                               v1::Load& load);

  const DispatcherCore& core_;
  rpc::Method get_load_;
};

}  // namespace penstock::dispatcher
