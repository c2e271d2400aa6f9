#include "services/dispatcher/operations_service.h"

#include "libs/async/status_macros.h"

namespace penstock::dispatcher {

OperationsService::OperationsService(const DispatcherCore& core,
                                     const rpc::ServerEnvironment& environment)
    : core_(core), get_load_(environment, "Operations/GetLoad") {}

grpc::ServerUnaryReactor* OperationsService::GetLoad(grpc::CallbackServerContext* context,
                                                     const v1::GetLoadRequest* request,
                                                     v1::Load* response) {
  return rpc::ServeUnary(get_load_, context, request, response,
                         [this](auto&... call) { return Load(call...); });
}

Awaitable<absl::Status> OperationsService::Load(rpc::ServerCall& call, const v1::GetLoadRequest&,
                                                v1::Load& load) {
  PENSTOCK_CO_ASSIGN_OR_RETURN(load, core_.GetLoad(call.principal()));
  co_return absl::OkStatus();
}

}  // namespace penstock::dispatcher
