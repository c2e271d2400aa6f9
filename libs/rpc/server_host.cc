#include "libs/rpc/server_host.h"

#include <chrono>
#include <utility>

#include <grpcpp/ext/health_check_service_server_builder_option.h>
#include <grpcpp/health_check_service_interface.h>
#include <grpcpp/security/server_credentials.h>
#include <grpcpp/server_builder.h>

#include "libs/rpc/channel.h"

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"

namespace penstock::rpc {
namespace {

void SetLimits(grpc::ServerBuilder& builder) {
  builder.SetMaxReceiveMessageSize(kMaxMessageBytes);
  builder.SetMaxSendMessageSize(kMaxMessageBytes);
  builder.AddChannelArgument(GRPC_ARG_MAX_METADATA_SIZE, 8 << 10);
  builder.AddChannelArgument(GRPC_ARG_HTTP2_MIN_RECV_PING_INTERVAL_WITHOUT_DATA_MS, 20'000);
  builder.AddChannelArgument(GRPC_ARG_KEEPALIVE_PERMIT_WITHOUT_CALLS, 1);
  builder.AddChannelArgument(GRPC_ARG_KEEPALIVE_TIME_MS, 60'000);
  builder.AddChannelArgument(GRPC_ARG_SERVER_HANDSHAKE_TIMEOUT_MS, 10'000);
  // A second process on the same port would be a mistake, not a way to share the load.
  builder.AddChannelArgument(GRPC_ARG_ALLOW_REUSEPORT, 0);
  // Inflation of a compressed message is not bounded in gRPC 1.51.
  builder.SetCompressionAlgorithmSupportStatus(GRPC_COMPRESS_GZIP, false);
  builder.SetCompressionAlgorithmSupportStatus(GRPC_COMPRESS_DEFLATE, false);
}

// "127.0.0.1:0" with the port that was bound.
std::string BoundEndpoint(absl::string_view endpoint, int port) {
  if (absl::StartsWith(endpoint, "unix")) return std::string(endpoint);
  return absl::StrCat(endpoint.substr(0, endpoint.rfind(':')), ":", port);
}

}  // namespace

absl::StatusOr<std::unique_ptr<ServerHost>> ServerHost::Start(
    absl::string_view endpoint, const std::vector<grpc::Service*>& services) {
  grpc::ServerBuilder builder;
  SetLimits(builder);
  grpc::EnableDefaultHealthCheckService(!endpoint.empty());
  int port = 0;
  if (!endpoint.empty()) {
    builder.AddListeningPort(std::string(endpoint), grpc::InsecureServerCredentials(), &port);
  }
  for (grpc::Service* service : services) builder.RegisterService(service);
  std::unique_ptr<grpc::Server> server = builder.BuildAndStart();
  if (server == nullptr || (!endpoint.empty() && port == 0)) {
    return absl::UnavailableError(absl::StrCat(
        "cannot listen on ", endpoint, ": the address is in use or not ours; choose another one"));
  }
  std::string bound = endpoint.empty() ? "" : BoundEndpoint(endpoint, port);
  return std::unique_ptr<ServerHost>(new ServerHost(std::move(server), std::move(bound)));
}

ServerHost::ServerHost(std::unique_ptr<grpc::Server> server, std::string endpoint)
    : server_(std::move(server)), endpoint_(std::move(endpoint)) {}

ServerHost::~ServerHost() { Shutdown(absl::ZeroDuration()); }

std::shared_ptr<grpc::Channel> ServerHost::InProcessChannel() {
  grpc::ChannelArguments arguments;
  arguments.SetMaxReceiveMessageSize(kMaxMessageBytes);
  arguments.SetMaxSendMessageSize(kMaxMessageBytes);
  return server_->InProcessChannel(arguments);
}

void ServerHost::SetServing(bool serving) {
  if (auto* health = server_->GetHealthCheckService()) health->SetServingStatus(serving);
}

void ServerHost::Shutdown(absl::Duration grace) {
  if (server_ == nullptr) return;
  server_->Shutdown(std::chrono::system_clock::now() + absl::ToChronoMilliseconds(grace));
  server_->Wait();
  server_.reset();
}

}  // namespace penstock::rpc
