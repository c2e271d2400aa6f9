#include "services/dispatcher/turn/peers_grpc.h"

#include <utility>

#include <grpcpp/channel.h>

#include "libs/rpc/batched_stream.h"
#include "libs/rpc/client.h"
#include "penstock/memory/v1/memory_recall.grpc.pb.h"
#include "penstock/provider/v1/provider_adapter.grpc.pb.h"
#include "penstock/session/v1/session_state.grpc.pb.h"

namespace penstock::dispatcher {
namespace {

using memory::v1::MemoryRecall;
using provider::v1::ProviderAdapter;
using session::v1::SessionState;

// Turns a PeerCall into the options of a call to one audience.
class Granting {
 public:
  Granting(absl::string_view audience, const identity::GrantMinter& minter, Clock& clock)
      : audience_(audience), minter_(minter), clock_(clock) {}

  rpc::CallOptions Options(PeerCall call) const {
    return {.deadline = call.deadline,
            .grant = minter_.Mint(audience_, call.principal, call.turn_id, clock_.Now()),
            .traceparent = std::move(call.traceparent),
            .stop = std::move(call.stop)};
  }

 private:
  const absl::string_view audience_;
  const identity::GrantMinter& minter_;
  Clock& clock_;
};

class GrpcSessionPeer : public SessionPeer {
 public:
  GrpcSessionPeer(std::shared_ptr<grpc::Channel> channel, Granting granting)
      : stub_(SessionState::NewStub(std::move(channel))), granting_(granting) {}

  Awaitable<absl::StatusOr<session::v1::ResolveSessionResponse>> ResolveSession(
      PeerCall call, session::v1::ResolveSessionRequest request) override {
    return rpc::Call(stub_->async(), &SessionState::Stub::async::ResolveSession, std::move(request),
                     granting_.Options(std::move(call)));
  }
  Awaitable<absl::StatusOr<session::v1::EnsureSessionResponse>> EnsureSession(
      PeerCall call, session::v1::EnsureSessionRequest request) override {
    return rpc::Call(stub_->async(), &SessionState::Stub::async::EnsureSession, std::move(request),
                     granting_.Options(std::move(call)));
  }
  Awaitable<absl::StatusOr<session::v1::BeginTurnResponse>> BeginTurn(
      PeerCall call, session::v1::BeginTurnRequest request) override {
    return rpc::Call(stub_->async(), &SessionState::Stub::async::BeginTurn, std::move(request),
                     granting_.Options(std::move(call)));
  }
  Awaitable<absl::StatusOr<session::v1::AppendStepResponse>> AppendStep(
      PeerCall call, session::v1::AppendStepRequest request) override {
    return rpc::Call(stub_->async(), &SessionState::Stub::async::AppendStep, std::move(request),
                     granting_.Options(std::move(call)));
  }
  Awaitable<absl::StatusOr<session::v1::CommitTurnResponse>> CommitTurn(
      PeerCall call, session::v1::CommitTurnRequest request) override {
    return rpc::Call(stub_->async(), &SessionState::Stub::async::CommitTurn, std::move(request),
                     granting_.Options(std::move(call)));
  }
  Awaitable<absl::StatusOr<chat::v1::Turn>> GetTurn(PeerCall call,
                                                    session::v1::GetTurnRequest request) override {
    return rpc::Call(stub_->async(), &SessionState::Stub::async::GetTurn, std::move(request),
                     granting_.Options(std::move(call)));
  }

 private:
  const std::unique_ptr<SessionState::Stub> stub_;
  const Granting granting_;
};

class GrpcMemoryPeer : public MemoryPeer {
 public:
  GrpcMemoryPeer(std::shared_ptr<grpc::Channel> channel, Granting granting)
      : stub_(MemoryRecall::NewStub(std::move(channel))), granting_(granting) {}

  Awaitable<absl::StatusOr<memory::v1::RecallResponse>> Recall(
      PeerCall call, memory::v1::RecallRequest request) override {
    return rpc::Call(stub_->async(), &MemoryRecall::Stub::async::Recall, std::move(request),
                     granting_.Options(std::move(call)));
  }
  Awaitable<absl::StatusOr<memory::v1::IngestResponse>> Ingest(
      PeerCall call, memory::v1::IngestRequest request) override {
    return rpc::Call(stub_->async(), &MemoryRecall::Stub::async::Ingest, std::move(request),
                     granting_.Options(std::move(call)));
  }

 private:
  const std::unique_ptr<MemoryRecall::Stub> stub_;
  const Granting granting_;
};

using GenerateEventBatches = rpc::ServerStream<provider::v1::GenerateEventBatch>;

class GrpcGenerateStream : public GenerateStream {
 public:
  explicit GrpcGenerateStream(GenerateEventBatches batches) : stream_(std::move(batches)) {}

  Awaitable<absl::StatusOr<std::optional<provider::v1::GenerateEvent>>> Next() override {
    return stream_.Next();
  }

 private:
  rpc::BatchedStream<provider::v1::GenerateEventBatch> stream_;
};

class GrpcProviderPeer : public ProviderPeer {
 public:
  GrpcProviderPeer(std::shared_ptr<grpc::Channel> channel, Granting granting)
      : stub_(ProviderAdapter::NewStub(std::move(channel))), granting_(granting) {}

  std::unique_ptr<GenerateStream> Generate(PeerCall call,
                                           provider::v1::GenerateRequest request) override {
    return std::make_unique<GrpcGenerateStream>(
        GenerateEventBatches::Open(stub_->async(), &ProviderAdapter::Stub::async::Generate,
                                   std::move(request), granting_.Options(std::move(call))));
  }

 private:
  const std::unique_ptr<ProviderAdapter::Stub> stub_;
  const Granting granting_;
};

}  // namespace

std::unique_ptr<SessionPeer> MakeSessionPeer(std::shared_ptr<grpc::Channel> channel,
                                             const identity::GrantMinter& minter, Clock& clock) {
  return std::make_unique<GrpcSessionPeer>(
      std::move(channel), Granting(identity::kSessionStateAudience, minter, clock));
}

std::unique_ptr<MemoryPeer> MakeMemoryPeer(std::shared_ptr<grpc::Channel> channel,
                                           const identity::GrantMinter& minter, Clock& clock) {
  return std::make_unique<GrpcMemoryPeer>(std::move(channel),
                                          Granting(identity::kMemoryRecallAudience, minter, clock));
}

std::unique_ptr<ProviderPeer> MakeProviderPeer(std::shared_ptr<grpc::Channel> channel,
                                               const identity::GrantMinter& minter, Clock& clock) {
  return std::make_unique<GrpcProviderPeer>(
      std::move(channel), Granting(identity::kProviderAdapterAudience, minter, clock));
}

}  // namespace penstock::dispatcher
