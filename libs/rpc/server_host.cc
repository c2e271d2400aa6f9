#include "libs/rpc/server_host.h"

#include <algorithm>
#include <chrono>
#include <limits>
#include <optional>
#include <utility>

#include <grpcpp/ext/health_check_service_server_builder_option.h>
#include <grpcpp/health_check_service_interface.h>
#include <grpcpp/security/server_credentials.h>

#include "libs/base/clock.h"
#include "libs/base/status_macros.h"
#include "libs/rpc/accept_loop.h"
#include "libs/rpc/channel.h"
#include "libs/rpc/listening_sockets.h"

#include "absl/strings/str_cat.h"
#include "absl/time/clock.h"

namespace penstock::rpc {
namespace {

using ExternalConnection = grpc::ServerBuilder::experimental_type::ExternalConnectionType;

// For what has been written, once every call has ended: longer only for a peer that takes nothing.
constexpr absl::Duration kFlushPatience = absl::Seconds(1);

// After this long without a call all clients have heard that they should go elsewhere.
constexpr absl::Duration kLastCallsArrive = absl::Milliseconds(100);

int Milliseconds(absl::Duration duration) {
  return static_cast<int>(
      std::min<int64_t>(absl::ToInt64Milliseconds(duration), std::numeric_limits<int>::max()));
}

void SetLimits(const ListenerOptions& options, grpc::ServerBuilder& builder) {
  builder.SetMaxReceiveMessageSize(kMaxMessageBytes);
  builder.SetMaxSendMessageSize(kMaxMessageBytes);
  builder.AddChannelArgument(GRPC_ARG_MAX_METADATA_SIZE, options.max_metadata_bytes);
  if (options.max_concurrent_streams > 0) {
    builder.AddChannelArgument(GRPC_ARG_MAX_CONCURRENT_STREAMS, options.max_concurrent_streams);
  }
  // Two pings too early are borne, the third ends the connection.
  builder.AddChannelArgument(GRPC_ARG_HTTP2_MIN_RECV_PING_INTERVAL_WITHOUT_DATA_MS,
                             Milliseconds(options.min_ping_interval));
  builder.AddChannelArgument(GRPC_ARG_KEEPALIVE_PERMIT_WITHOUT_CALLS, 1);
  builder.AddChannelArgument(GRPC_ARG_KEEPALIVE_TIME_MS, Milliseconds(options.keepalive_time));
  builder.AddChannelArgument(GRPC_ARG_KEEPALIVE_TIMEOUT_MS,
                             Milliseconds(options.keepalive_timeout));
  builder.AddChannelArgument(GRPC_ARG_MAX_CONNECTION_IDLE_MS,
                             Milliseconds(options.max_connection_idle));
  builder.AddChannelArgument(GRPC_ARG_MAX_CONNECTION_AGE_MS,
                             Milliseconds(options.max_connection_age));
  builder.AddChannelArgument(GRPC_ARG_MAX_CONNECTION_AGE_GRACE_MS,
                             Milliseconds(options.max_connection_age_grace));
  builder.AddChannelArgument(GRPC_ARG_SERVER_HANDSHAKE_TIMEOUT_MS,
                             Milliseconds(options.handshake_timeout));
  // Inflation of a compressed message is not bounded in gRPC 1.51.
  builder.SetCompressionAlgorithmSupportStatus(GRPC_COMPRESS_GZIP, false);
  builder.SetCompressionAlgorithmSupportStatus(GRPC_COMPRESS_DEFLATE, false);
}

}  // namespace

absl::StatusOr<std::unique_ptr<ServerHost>> ServerHost::Start(
    absl::string_view endpoint, const std::vector<grpc::Service*>& services,
    const ListenerOptions& options) {
  grpc::ServerBuilder builder;
  SetLimits(options, builder);
  grpc::EnableDefaultHealthCheckService(!endpoint.empty());
  std::optional<ListeningSockets> sockets;
  std::unique_ptr<Acceptor> acceptor;
  if (!endpoint.empty()) {
    PENSTOCK_ASSIGN_OR_RETURN(ListeningSockets opened, ListeningSockets::Open(endpoint));
    sockets.emplace(std::move(opened));
    acceptor = builder.experimental().AddExternalConnectionAcceptor(
        ExternalConnection::FROM_FD,
        options.credentials ? options.credentials : grpc::InsecureServerCredentials());
  }
  for (grpc::Service* service : services) builder.RegisterService(service);
  std::unique_ptr<grpc::Server> server = builder.BuildAndStart();
  if (server == nullptr) {
    return absl::UnavailableError(absl::StrCat("cannot start a server for ", endpoint));
  }
  auto host = std::unique_ptr<ServerHost>(new ServerHost(std::move(server), std::move(acceptor)));
  if (auto* health = host->server_->GetHealthCheckService()) {
    health->SetServingStatus(kCallsHealth, true);
  }
  if (sockets) host->Listen(*std::move(sockets), options);
  return host;
}

ServerHost::ServerHost(std::unique_ptr<grpc::Server> server, std::unique_ptr<Acceptor> acceptor)
    : own_metrics_(std::make_unique<obs::Metrics>()),
      server_(std::move(server)),
      acceptor_(std::move(acceptor)) {}

void ServerHost::Listen(ListeningSockets sockets, const ListenerOptions& options) {
  endpoint_ = sockets.endpoint();
  accept_loop_ = std::make_unique<AcceptLoop>(
      std::move(sockets), options.max_connections,
      [acceptor = acceptor_.get()](int connection) {
        Acceptor::NewConnectionParameters parameters;
        parameters.fd = connection;
        acceptor->HandleNewConnection(&parameters);
      },
      options.metrics != nullptr ? *options.metrics : *own_metrics_);
}

ServerHost::~ServerHost() { Shutdown(absl::ZeroDuration()); }

std::shared_ptr<grpc::Channel> ServerHost::InProcessChannel() {
  grpc::ChannelArguments arguments;
  arguments.SetMaxReceiveMessageSize(kMaxMessageBytes);
  arguments.SetMaxSendMessageSize(kMaxMessageBytes);
  return server_->InProcessChannel(arguments);
}

void ServerHost::SetServing(bool serving) {
  if (auto* health = server_->GetHealthCheckService()) health->SetServingStatus("", serving);
}

void ServerHost::Drain(const LiveCount& calls, absl::Duration patience) {
  absl::Duration quiet = absl::ZeroDuration();
  if (auto* health = server_->GetHealthCheckService()) {
    health->SetServingStatus(kCallsHealth, false);
    quiet = kLastCallsArrive;
  }
  const absl::Duration give_up = SystemClock().Monotonic() + patience;
  absl::Duration now = SystemClock().Monotonic();
  absl::Duration last_call = now;
  while (now < give_up && (calls.count() > 0 || now < last_call + quiet)) {
    if (calls.count() > 0) last_call = now;
    absl::SleepFor(absl::Milliseconds(2));
    now = SystemClock().Monotonic();
  }
}

void ServerHost::Shutdown(absl::Duration grace) {
  if (server_ == nullptr) return;
  // First: a connection that is handed to a server which stops would stay open for ever.
  if (accept_loop_ != nullptr) accept_loop_->StopAccepting();
  server_->Shutdown(std::chrono::system_clock::now() + absl::ToChronoMilliseconds(grace));
  server_->Wait();
  // gRPC writes the last answers in the background: a process that ends here would cut them off.
  if (accept_loop_ != nullptr) accept_loop_->AwaitClosed(kFlushPatience);
  accept_loop_.reset();
  server_.reset();
}

}  // namespace penstock::rpc
