// A caller of the public API, as a backend service is one: a channel, a token, and blocking calls.
#pragma once

#include <functional>
#include <memory>
#include <string>
#include <vector>

#include <grpcpp/channel.h>
#include <grpcpp/client_context.h>

#include "libs/rpc/status.h"
#include "penstock/gateway/v1/memories.grpc.pb.h"
#include "penstock/gateway/v1/sessions.grpc.pb.h"
#include "penstock/gateway/v1/turns.grpc.pb.h"

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "absl/time/time.h"

namespace penstock::harness {

// Thread-safe. For many calls at a time: turns().async() with a context of NewContext.
class Caller {
 public:
  // Connects when first used, and again within a second when the other side comes back.
  static std::shared_ptr<grpc::Channel> Connect(const std::string& address);

  // `waits`: calls wait for a connection, up to their deadline, instead of failing at once without
  // one. (While they fail at once nobody lends gRPC a thread to connect on.)
  Caller(std::shared_ptr<grpc::Channel> channel, std::string token, bool waits = false);

  // With deadline and bearer token.
  std::unique_ptr<grpc::ClientContext> NewContext(absl::Duration timeout) const;

  // One unary call: Call(turns(), &Turns::Stub::GetTurn, request). Errors keep their details.
  template <typename Stub, typename Request, typename Response>
  absl::StatusOr<Response> Call(
      Stub& stub, grpc::Status (Stub::*method)(grpc::ClientContext*, const Request&, Response*),
      const Request& request, absl::Duration timeout = absl::Seconds(30)) const {
    Response response;
    const auto context = NewContext(timeout);
    const grpc::Status status = (stub.*method)(context.get(), request, &response);
    if (!status.ok()) return rpc::FromGrpc(status);
    return response;
  }

  // Gets every event as it comes; answers false to leave the stream.
  using OnEvent = std::function<bool(const chat::v1::TurnEvent&)>;
  // OK when the stream ended with OK, or was left.
  absl::Status StreamTurn(const gateway::v1::StreamTurnRequest& request, const OnEvent& on_event,
                          absl::Duration timeout = absl::Seconds(60)) const;
  absl::Status WatchTurn(const gateway::v1::WatchTurnRequest& request, const OnEvent& on_event,
                         absl::Duration timeout = absl::Seconds(60)) const;

  absl::StatusOr<chat::v1::Turn> GetTurn(absl::string_view name) const;
  // Every page of ListTurns of `parent`, newest first.
  absl::StatusOr<std::vector<chat::v1::Turn>> AllTurns(absl::string_view parent) const;

  gateway::v1::Turns::Stub& turns() const { return *turns_; }
  gateway::v1::Sessions::Stub& sessions() const { return *sessions_; }
  gateway::v1::Memories::Stub& memories() const { return *memories_; }
  const std::shared_ptr<grpc::Channel>& channel() const { return channel_; }

 private:
  const std::shared_ptr<grpc::Channel> channel_;
  const std::string authorization_;
  const bool waits_;
  const std::unique_ptr<gateway::v1::Turns::Stub> turns_;
  const std::unique_ptr<gateway::v1::Sessions::Stub> sessions_;
  const std::unique_ptr<gateway::v1::Memories::Stub> memories_;
};

// What the assistant said: the texts of all steps.
std::string OutputText(const chat::v1::Turn& turn);
// What the user said.
std::string InputText(const chat::v1::Turn& turn);

}  // namespace penstock::harness
