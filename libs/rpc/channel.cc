#include "libs/rpc/channel.h"

#include <string>

#include <grpcpp/create_channel.h>
#include <grpcpp/support/channel_arguments.h>

#include "libs/rpc/server_host.h"

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/time/clock.h"

namespace penstock::rpc {

std::shared_ptr<grpc::Channel> OpenChannel(absl::string_view endpoint,
                                           std::shared_ptr<grpc::ChannelCredentials> credentials) {
  if (credentials == nullptr) credentials = grpc::InsecureChannelCredentials();
  grpc::ChannelArguments arguments;
  arguments.SetMaxReceiveMessageSize(kMaxMessageBytes);
  arguments.SetMaxSendMessageSize(kMaxMessageBytes);
  // The only retry loop is the dispatcher's.
  arguments.SetInt(GRPC_ARG_ENABLE_RETRIES, 0);
  arguments.SetInt(GRPC_ARG_KEEPALIVE_TIME_MS, 30'000);
  arguments.SetInt(GRPC_ARG_KEEPALIVE_TIMEOUT_MS, 10'000);
  arguments.SetInt(GRPC_ARG_KEEPALIVE_PERMIT_WITHOUT_CALLS, 1);
  arguments.SetInt(GRPC_ARG_INITIAL_RECONNECT_BACKOFF_MS, 50);
  arguments.SetInt(GRPC_ARG_MIN_RECONNECT_BACKOFF_MS, 1'000);
  arguments.SetInt(GRPC_ARG_MAX_RECONNECT_BACKOFF_MS, 2'000);
  // A name is looked up anew as soon as one of its addresses has gone, or its connection has aged.
  arguments.SetInt(GRPC_ARG_DNS_MIN_TIME_BETWEEN_RESOLUTIONS_MS, 1'000);
  // Services of the mesh are reached directly, whatever http_proxy says.
  arguments.SetInt(GRPC_ARG_ENABLE_HTTP_PROXY, 0);
  // Each channel its own connection, also when two go to the same address.
  arguments.SetInt(GRPC_ARG_USE_LOCAL_SUBCHANNEL_POOL, 1);
  arguments.SetLoadBalancingPolicyName("round_robin");
  arguments.SetServiceConfigJSON(
      absl::StrCat(R"({"healthCheckConfig": {"serviceName": ")", kCallsHealth, R"("}})"));
  const std::string target = absl::StartsWith(endpoint, "unix:")
                                 ? std::string(endpoint)
                                 : absl::StrCat("dns:///", endpoint);
  return grpc::CreateCustomChannel(target, credentials, arguments);
}

void CloseChannel(std::shared_ptr<grpc::Channel> channel) {
  // A cancelled call ends within the process: this takes a moment.
  while (channel.use_count() > 1) absl::SleepFor(absl::Milliseconds(1));
}

}  // namespace penstock::rpc
