// The gateway, as the flags name it.
#pragma once

#include <functional>
#include <memory>
#include <string>

#include "services/cli/command_line.h"

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "absl/time/time.h"

namespace grpc {
class Channel;
class ClientContext;
class Status;
}  // namespace grpc

namespace penstock::cli {

// --address, or where a gateway listens by default.
std::string AddressOf(const Arguments& arguments);

// Thread-safe. Copies share one channel.
class Connection {
 public:
  // Reads --address, --token, --on-behalf-of, --timeout and --tls-*; connects with the first call.
  // Usage errors for values that cannot be sent; what is wrong with a file of --tls-*.
  static absl::StatusOr<Connection> Open(const Arguments& arguments);

  const std::shared_ptr<grpc::Channel>& channel() const { return channel_; }
  const std::string& address() const { return address_; }

  // Metadata, and a deadline: --timeout, else `patience` from now.
  void Prepare(grpc::ClientContext& context,
               absl::Duration patience = absl::InfiniteDuration()) const;

  // One call of a generated stub: connection.Call(stub, &Stub::GetTurn, request). The answer, or
  // why there is none.
  template <class Stub, class Request, class Response>
  absl::StatusOr<Response> Call(
      Stub& stub, grpc::Status (Stub::*method)(grpc::ClientContext*, const Request&, Response*),
      const Request& request, absl::Duration patience = kUsualPatience) const {
    Response response;
    absl::Status status = Run(
        [&](grpc::ClientContext* context) { return (stub.*method)(context, request, &response); },
        patience);
    if (!status.ok()) return status;
    return response;
  }

  static constexpr absl::Duration kUsualPatience = absl::Seconds(10);

 private:
  Connection(std::string address, std::shared_ptr<grpc::Channel> channel)
      : address_(std::move(address)), channel_(std::move(channel)) {}

  absl::Status Run(const std::function<grpc::Status(grpc::ClientContext*)>& call,
                   absl::Duration patience) const;

  std::string address_;
  std::shared_ptr<grpc::Channel> channel_;
  std::string token_;
  std::string on_behalf_of_;
  absl::Duration timeout_ = absl::InfiniteDuration();
};

}  // namespace penstock::cli
