#include "libs/rpc/call_options.h"

#include <chrono>

namespace penstock::rpc {
namespace {

constexpr absl::Duration kLongestUnaryCall = absl::Seconds(120);

}  // namespace

void Prepare(const CallOptions& options, bool unary, grpc::ClientContext& context) {
  if (options.deadline != absl::InfiniteFuture()) {
    context.set_deadline(absl::ToChronoTime(options.deadline));
  } else if (unary) {
    context.set_deadline(std::chrono::system_clock::now() +
                         absl::ToChronoMilliseconds(kLongestUnaryCall));
  }
  if (!options.grant.empty()) context.AddMetadata("penstock-grant-bin", options.grant);
  if (!options.traceparent.empty()) context.AddMetadata("traceparent", options.traceparent);
}

}  // namespace penstock::rpc
