// One gRPC server: its listeners, its limits, its end.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include <grpcpp/channel.h>
#include <grpcpp/server.h>
#include <grpcpp/server_builder.h>

#include "libs/async/live_count.h"
#include "libs/rpc/listener_options.h"

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "absl/time/time.h"

namespace grpc {
class Service;
}

namespace penstock::rpc {

class AcceptLoop;
class ListeningSockets;

// The name under which the health service says whether calls are taken.
inline constexpr char kCallsHealth[] = "penstock.calls";

class ServerHost {
 public:
  // Serves `services` on `endpoint`: "host:port" (port 0 takes a free one), "unix:path", or empty
  // for in-process channels only. UNAVAILABLE when the address cannot be bound. The services must
  // outlive the host.
  static absl::StatusOr<std::unique_ptr<ServerHost>> Start(
      absl::string_view endpoint, const std::vector<grpc::Service*>& services,
      const ListenerOptions& options = {});

  ~ServerHost();

  // Where it listens, with the port that was taken; empty without a listener.
  const std::string& endpoint() const { return endpoint_; }

  // A channel that stays within the process.
  std::shared_ptr<grpc::Channel> InProcessChannel();

  // Standard gRPC health service: what it answers for the server as a whole, so to probes.
  void SetServing(bool serving);

  // The first half of a stop: sends clients elsewhere, and waits until `calls` (all calls of this
  // server) have ended, or `patience` has passed. Blocks.
  //
  // Shutdown alone would cost calls: gRPC 1.51 ends those with CANCELLED that come while it begins,
  // and closes a connection with the last answer, so that a client that writes just then loses what
  // it has not read. Clients of OpenChannel watch kCallsHealth instead, a stream that keeps their
  // connection, and take no more calls to a server that does not serve it.
  void Drain(const LiveCount& calls, absl::Duration patience);

  // Takes no new calls; gives live ones until `grace` has passed, then cancels them. Blocks until
  // every answer was written, or a second later for a peer that takes none.
  void Shutdown(absl::Duration grace);

 private:
  using Acceptor = grpc::experimental::ExternalConnectionAcceptor;

  ServerHost(std::unique_ptr<grpc::Server> server, std::unique_ptr<Acceptor> acceptor);

  // Takes connections from now on.
  void Listen(ListeningSockets sockets, const ListenerOptions& options);

  // Of the listener, when nobody asks for them.
  const std::unique_ptr<obs::Metrics> own_metrics_;
  std::unique_ptr<grpc::Server> server_;
  // What takes accepted connections to the server.
  std::unique_ptr<Acceptor> acceptor_;
  std::unique_ptr<AcceptLoop> accept_loop_;
  std::string endpoint_;
};

}  // namespace penstock::rpc
