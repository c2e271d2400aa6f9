#include "services/cli/health_command.h"

#include <future>

#include <google/protobuf/wrappers.pb.h>
#include <grpcpp/channel.h>
#include <grpcpp/client_context.h>
#include <grpcpp/generic/generic_stub.h>
#include <grpcpp/impl/codegen/proto_utils.h>

#include "libs/base/status_macros.h"
#include "libs/host/endpoint.h"
#include "libs/rpc/status.h"
#include "services/cli/admin_probe.h"
#include "services/cli/connection.h"
#include "services/cli/console.h"
#include "services/cli/exit_code.h"

#include "absl/strings/str_cat.h"

namespace penstock::cli {
namespace {

// grpc.health.v1: HealthCheckRequest is a string of number 1, HealthCheckResponse an enum of number
// 1, so protobuf's wrappers read and write the same bytes.
using HealthCheckRequest = google::protobuf::StringValue;
using HealthCheckResponse = google::protobuf::Int32Value;
constexpr int kServing = 1;

absl::StatusOr<HealthCheckResponse> Check(const Connection& connection,
                                          const std::string& service) {
  grpc::TemplatedGenericStub<HealthCheckRequest, HealthCheckResponse> stub(connection.channel());
  grpc::ClientContext context;
  connection.Prepare(context, Connection::kUsualPatience);
  HealthCheckRequest request;
  request.set_value(service);
  HealthCheckResponse response;
  std::promise<grpc::Status> done;
  stub.UnaryCall(&context, "/grpc.health.v1.Health/Check", {}, &request, &response,
                 [&done](grpc::Status status) { done.set_value(std::move(status)); });
  PENSTOCK_RETURN_IF_ERROR(rpc::FromGrpc(done.get_future().get()));
  return response;
}

// Of any one process, without certificate or token.
absl::StatusOr<int> HealthOfProcess(const Arguments& arguments, Console& console) {
  if (arguments.Has("--service")) return UsageError("--admin asks a process, so --service is odd");
  const auto admin = host::ParseEndpoint(arguments.Value("--admin"));
  if (!admin.ok()) return UsageError(absl::StrCat("--admin: ", admin.status().message()));
  PENSTOCK_ASSIGN_OR_RETURN(const absl::Duration patience,
                            arguments.Duration("--timeout", Connection::kUsualPatience));
  const auto readiness = AskReadiness(*admin, patience);
  if (!readiness.ok()) {
    console.Error(absl::StrCat("penstock: ", readiness.status().message(), "\n"));
    return kExitFailed;
  }
  console.Out(readiness->ready
                  ? absl::StrCat(admin->ToString(), " is ready\n")
                  : absl::StrCat(admin->ToString(), " is not ready: ", readiness->reasons, "\n"));
  return readiness->ready ? kExitOk : kExitFailed;
}

absl::StatusOr<int> Health(const Arguments& arguments, Console& console) {
  if (arguments.Has("--admin")) return HealthOfProcess(arguments, console);
  PENSTOCK_ASSIGN_OR_RETURN(const Connection connection, Connection::Open(arguments));
  PENSTOCK_ASSIGN_OR_RETURN(const auto response, Check(connection, arguments.Value("--service")));
  const bool serving = response.value() == kServing;
  console.Out(absl::StrCat(connection.address(), serving ? " serves\n" : " does not serve\n"));
  return serving ? kExitOk : kExitFailed;
}

}  // namespace

Command HealthCommand() {
  return {"health",
          {},
          "ask whether the gateway takes calls: 0 it does, 1 it does not",
          {{"--service", "NAME", "of this service; default: of the whole process"},
           {"--admin", "ADDRESS", "ask the admin port of any one process instead: is it ready"}},
          {"penstock health --address 127.0.0.1:7420", "penstock health --admin 127.0.0.1:7429"},
          Health};
}

}  // namespace penstock::cli
