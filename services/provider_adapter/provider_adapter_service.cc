#include "services/provider_adapter/provider_adapter_service.h"

#include <utility>

namespace penstock::provider_adapter {
namespace {

using provider::v1::GenerateEventBatch;
using provider::v1::GenerateRequest;

class StreamSink : public EventSink {
 public:
  explicit StreamSink(rpc::StreamWriter<GenerateEventBatch>& out) : out_(out) {}

  Awaitable<absl::Status> Write(GenerateEventBatch batch) override {
    co_return co_await out_.Write(batch);
  }

 private:
  rpc::StreamWriter<GenerateEventBatch>& out_;
};

}  // namespace

ProviderAdapterService::ProviderAdapterService(Generator& generator,
                                               const rpc::ServerEnvironment& environment)
    : generator_(generator), generate_(environment, "ProviderAdapter/Generate") {}

grpc::ServerWriteReactor<GenerateEventBatch>* ProviderAdapterService::Generate(
    grpc::CallbackServerContext* context, const GenerateRequest* request) {
  return rpc::ServeStream<GenerateEventBatch>(generate_, context, request,
                                              [this](auto&... call) { return Relay(call...); });
}

Awaitable<absl::Status> ProviderAdapterService::Relay(rpc::ServerCall& call,
                                                      const GenerateRequest& request, Events& out) {
  StreamSink sink(out);
  co_return co_await generator_.Generate(request, sink, call.stop_token());
}

}  // namespace penstock::provider_adapter
