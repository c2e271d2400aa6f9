#include "services/dispatcher/scaler_service.h"

#include <optional>

#include "libs/async/sleep_or_stop.h"
#include "libs/async/status_macros.h"

namespace penstock::dispatcher {
namespace {

using externalscaler::GetMetricSpecResponse;
using externalscaler::GetMetricsRequest;
using externalscaler::GetMetricsResponse;
using externalscaler::IsActiveResponse;
using externalscaler::ScaledObjectRef;

// Between two looks at whether there is work: nothing beside the start of a pod.
constexpr absl::Duration kLook = absl::Milliseconds(50);

// Stops when the caller goes, or the service ends its streams.
class EitherStop {
 public:
  EitherStop(std::stop_token caller, std::stop_token service)
      : on_caller_(std::move(caller), Stop{both_}), on_service_(std::move(service), Stop{both_}) {}

  std::stop_token token() const { return both_.get_token(); }

 private:
  struct Stop {
    std::stop_source& both;
    void operator()() const { both.request_stop(); }
  };

  std::stop_source both_;
  std::stop_callback<Stop> on_caller_;
  std::stop_callback<Stop> on_service_;
};

}  // namespace

ScalerService::ScalerService(const Scaler& scaler, Timers& timers,
                             const rpc::ServerEnvironment& environment)
    : scaler_(scaler),
      timers_(timers),
      is_active_(environment, "ExternalScaler/IsActive"),
      stream_is_active_(environment, "ExternalScaler/StreamIsActive"),
      get_metric_spec_(environment, "ExternalScaler/GetMetricSpec"),
      get_metrics_(environment, "ExternalScaler/GetMetrics"),
      stream_metric_spec_(environment, "ExternalScaler/StreamMetricSpec") {}

grpc::ServerUnaryReactor* ScalerService::IsActive(grpc::CallbackServerContext* context,
                                                  const ScaledObjectRef* request,
                                                  IsActiveResponse* response) {
  return rpc::ServeUnary(is_active_, context, request, response,
                         [this](rpc::ServerCall&, const ScaledObjectRef& object,
                                IsActiveResponse& told) -> Awaitable<absl::Status> {
                           PENSTOCK_CO_ASSIGN_OR_RETURN(const bool active,
                                                        scaler_.IsActive(object));
                           told.set_result(active);
                           co_return absl::OkStatus();
                         });
}

grpc::ServerUnaryReactor* ScalerService::GetMetricSpec(grpc::CallbackServerContext* context,
                                                       const ScaledObjectRef* request,
                                                       GetMetricSpecResponse* response) {
  return rpc::ServeUnary(get_metric_spec_, context, request, response,
                         [this](rpc::ServerCall&, const ScaledObjectRef& object,
                                GetMetricSpecResponse& told) -> Awaitable<absl::Status> {
                           PENSTOCK_CO_ASSIGN_OR_RETURN(told, scaler_.SpecOf(object));
                           co_return absl::OkStatus();
                         });
}

grpc::ServerUnaryReactor* ScalerService::GetMetrics(grpc::CallbackServerContext* context,
                                                    const GetMetricsRequest* request,
                                                    GetMetricsResponse* response) {
  return rpc::ServeUnary(get_metrics_, context, request, response,
                         [this](rpc::ServerCall&, const GetMetricsRequest& asked,
                                GetMetricsResponse& told) -> Awaitable<absl::Status> {
                           PENSTOCK_CO_ASSIGN_OR_RETURN(told, scaler_.MetricsOf(asked));
                           co_return absl::OkStatus();
                         });
}

grpc::ServerWriteReactor<IsActiveResponse>* ScalerService::StreamIsActive(
    grpc::CallbackServerContext* context, const ScaledObjectRef* request) {
  return rpc::ServeStream<IsActiveResponse>(stream_is_active_, context, request,
                                            [this](auto&... call) { return TellActive(call...); });
}

grpc::ServerWriteReactor<GetMetricSpecResponse>* ScalerService::StreamMetricSpec(
    grpc::CallbackServerContext* context, const ScaledObjectRef* request) {
  return rpc::ServeStream<GetMetricSpecResponse>(
      stream_metric_spec_, context, request, [this](auto&... call) { return TellSpec(call...); });
}

Awaitable<absl::Status> ScalerService::TellActive(rpc::ServerCall& call, const Object& object,
                                                  rpc::StreamWriter<IsActiveResponse>& out) {
  const EitherStop stop(call.stop_token(), ending_.get_token());
  std::optional<bool> told;
  do {
    PENSTOCK_CO_ASSIGN_OR_RETURN(const bool active, scaler_.IsActive(object));
    if (told == active) continue;
    told = active;
    IsActiveResponse response;
    response.set_result(active);
    PENSTOCK_CO_RETURN_IF_ERROR(co_await out.Write(response));
  } while (co_await SleepOrStop(timers_, kLook, stop.token()));
  co_return absl::OkStatus();
}

Awaitable<absl::Status> ScalerService::TellSpec(rpc::ServerCall& call, const Object& object,
                                                rpc::StreamWriter<GetMetricSpecResponse>& out) {
  const EitherStop stop(call.stop_token(), ending_.get_token());
  PENSTOCK_CO_ASSIGN_OR_RETURN(const GetMetricSpecResponse spec, scaler_.SpecOf(object));
  PENSTOCK_CO_RETURN_IF_ERROR(co_await out.Write(spec));
  while (co_await SleepOrStop(timers_, absl::Hours(1), stop.token())) {
  }
  co_return absl::OkStatus();
}

}  // namespace penstock::dispatcher
