// The RPC of provider.v1.ProviderAdapter. For provider_adapter_process.cc only.
#pragma once

#include "libs/rpc/server.h"
#include "penstock/provider/v1/provider_adapter.grpc.pb.h"
#include "services/provider_adapter/generate.h"

namespace penstock::provider_adapter {

class ProviderAdapterService final : public provider::v1::ProviderAdapter::CallbackService {
 public:
  ProviderAdapterService(Generator& generator, const rpc::ServerEnvironment& environment);

  grpc::ServerWriteReactor<provider::v1::GenerateEventBatch>* Generate(
      grpc::CallbackServerContext* context, const provider::v1::GenerateRequest* request) override;

 private:
  using Events = rpc::StreamWriter<provider::v1::GenerateEventBatch>;

  Awaitable<absl::Status> Relay(rpc::ServerCall& call, const provider::v1::GenerateRequest& request,
                                Events& out);

  Generator& generator_;
  rpc::Method generate_;
};

}  // namespace penstock::provider_adapter
