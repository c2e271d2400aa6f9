// The other services, as a turn sees them. Real ones in peers_grpc.h, fakes in tests.
#pragma once

#include <memory>
#include <optional>
#include <stop_token>
#include <string>

#include "libs/async/awaitable.h"
#include "libs/identity/principal.h"
#include "penstock/memory/v1/memory_recall.pb.h"
#include "penstock/provider/v1/provider_adapter.pb.h"
#include "penstock/session/v1/session_state.pb.h"

#include "absl/status/statusor.h"
#include "absl/time/time.h"

namespace penstock::dispatcher {

// For whom a call works, and how long it may take.
struct PeerCall {
  identity::Principal principal;
  // Empty outside a turn.
  std::string turn_id;
  std::string traceparent;
  absl::Time deadline = absl::InfiniteFuture();
  std::stop_token stop;
};

// All of them answer the service's own status; UNAVAILABLE and DEADLINE_EXCEEDED leave the outcome
// unknown. Thread-safe.
class SessionPeer {
 public:
  virtual ~SessionPeer() = default;
  virtual Awaitable<absl::StatusOr<session::v1::ResolveSessionResponse>> ResolveSession(
      PeerCall call, session::v1::ResolveSessionRequest request) = 0;
  virtual Awaitable<absl::StatusOr<session::v1::EnsureSessionResponse>> EnsureSession(
      PeerCall call, session::v1::EnsureSessionRequest request) = 0;
  virtual Awaitable<absl::StatusOr<session::v1::BeginTurnResponse>> BeginTurn(
      PeerCall call, session::v1::BeginTurnRequest request) = 0;
  virtual Awaitable<absl::StatusOr<session::v1::AppendStepResponse>> AppendStep(
      PeerCall call, session::v1::AppendStepRequest request) = 0;
  virtual Awaitable<absl::StatusOr<session::v1::CommitTurnResponse>> CommitTurn(
      PeerCall call, session::v1::CommitTurnRequest request) = 0;
  virtual Awaitable<absl::StatusOr<chat::v1::Turn>> GetTurn(
      PeerCall call, session::v1::GetTurnRequest request) = 0;
};

// Thread-safe.
class MemoryPeer {
 public:
  virtual ~MemoryPeer() = default;
  virtual Awaitable<absl::StatusOr<memory::v1::RecallResponse>> Recall(
      PeerCall call, memory::v1::RecallRequest request) = 0;
  virtual Awaitable<absl::StatusOr<memory::v1::IngestResponse>> Ingest(
      PeerCall call, memory::v1::IngestRequest request) = 0;
};

// One attempt that is under way. Dropping it stops the provider.
class GenerateStream {
 public:
  virtual ~GenerateStream() = default;
  // The next event; nullopt at the end; a status when the attempt was not sent or the adapter is
  // gone.
  virtual Awaitable<absl::StatusOr<std::optional<provider::v1::GenerateEvent>>> Next() = 0;
};

// Thread-safe.
class ProviderPeer {
 public:
  virtual ~ProviderPeer() = default;
  virtual std::unique_ptr<GenerateStream> Generate(PeerCall call,
                                                   provider::v1::GenerateRequest request) = 0;
};

struct Peers {
  SessionPeer& session;
  MemoryPeer& memory;
  ProviderPeer& provider;
};

}  // namespace penstock::dispatcher
