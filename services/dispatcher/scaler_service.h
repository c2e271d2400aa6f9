// The RPCs of externalscaler.ExternalScaler: unpack, ask the scaler, pack. For
// dispatcher_process.cc only.
#pragma once

#include <stop_token>

#include "libs/async/timers.h"
#include "libs/rpc/server.h"
#include "services/dispatcher/scaling/scaler.h"

#include "externalscaler/externalscaler.grpc.pb.h"

namespace penstock::dispatcher {

class ScalerService final : public externalscaler::ExternalScaler::CallbackService {
 public:
  ScalerService(const Scaler& scaler, Timers& timers, const rpc::ServerEnvironment& environment);

  grpc::ServerUnaryReactor* IsActive(grpc::CallbackServerContext* context,
                                     const externalscaler::ScaledObjectRef* request,
                                     externalscaler::IsActiveResponse* response) override;
  grpc::ServerWriteReactor<externalscaler::IsActiveResponse>* StreamIsActive(
      grpc::CallbackServerContext* context,
      const externalscaler::ScaledObjectRef* request) override;
  grpc::ServerUnaryReactor* GetMetricSpec(grpc::CallbackServerContext* context,
                                          const externalscaler::ScaledObjectRef* request,
                                          externalscaler::GetMetricSpecResponse* response) override;
  grpc::ServerUnaryReactor* GetMetrics(grpc::CallbackServerContext* context,
                                       const externalscaler::GetMetricsRequest* request,
                                       externalscaler::GetMetricsResponse* response) override;
  grpc::ServerWriteReactor<externalscaler::GetMetricSpecResponse>* StreamMetricSpec(
      grpc::CallbackServerContext* context,
      const externalscaler::ScaledObjectRef* request) override;

  // Ends the streams, with OK: KEDA opens them again, here or elsewhere, after 2 s.
  void EndStreams() { ending_.request_stop(); }

 private:
  using Object = externalscaler::ScaledObjectRef;

  Awaitable<absl::Status> TellActive(rpc::ServerCall& call, const Object& object,
                                     rpc::StreamWriter<externalscaler::IsActiveResponse>& out);
  Awaitable<absl::Status> TellSpec(rpc::ServerCall& call, const Object& object,
                                   rpc::StreamWriter<externalscaler::GetMetricSpecResponse>& out);

  const Scaler& scaler_;
  Timers& timers_;
  std::stop_source ending_;
  rpc::Method is_active_;
  rpc::Method stream_is_active_;
  rpc::Method get_metric_spec_;
  rpc::Method get_metrics_;
  rpc::Method stream_metric_spec_;
};

}  // namespace penstock::dispatcher
