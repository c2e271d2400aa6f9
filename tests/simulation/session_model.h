// session-state as the dispatcher sees it: fences, begin and commit, context; with power cuts that
// take what it has not synced.
#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "services/dispatcher/turn/peers.h"
#include "tests/simulation/network.h"
#include "tests/simulation/witness.h"

namespace penstock::simulation {

using dispatcher::PeerCall;

// "tenant/user".
std::string UserOf(const identity::Principal& principal);

class SessionModel {
 public:
  SessionModel(World& world, Witness& witness) : world_(world), witness_(witness) {}

  absl::StatusOr<session::v1::ResolveSessionResponse> Resolve(
      const std::string& user, const session::v1::ResolveSessionRequest& request);
  absl::StatusOr<session::v1::EnsureSessionResponse> Ensure(
      const std::string& user, const session::v1::EnsureSessionRequest& request);
  absl::StatusOr<session::v1::BeginTurnResponse> Begin(
      const std::string& user, const session::v1::BeginTurnRequest& request);
  absl::StatusOr<session::v1::AppendStepResponse> Append(
      const std::string& user, const session::v1::AppendStepRequest& request);
  absl::StatusOr<session::v1::CommitTurnResponse> Commit(
      const std::string& user, const session::v1::CommitTurnRequest& request);
  absl::StatusOr<chat::v1::Turn> Get(const std::string& user,
                                     const session::v1::GetTurnRequest& request);

  // Loses any number of the newest writes that were not synced; answers nothing until Start.
  void LosePower();
  void Start() { up_ = true; }

  // A session that nobody will use again.
  void Forget(const std::string& user, const std::string& session);
  // Ended turns of all users: (user, turn).
  std::vector<std::pair<std::string, chat::v1::Turn>> Ended() const;
  size_t sessions() const { return sessions_.size(); }

 private:
  // User and session name.
  using Key = std::pair<std::string, std::string>;
  using Fence = std::pair<int64_t, int64_t>;
  struct Kept {
    std::shared_ptr<const chat::v1::Turn> turn;
    bool ended = false;
    std::vector<chat::v1::Step> steps = {};
  };
  struct Row {
    std::string agent = {};
    Fence fence = {};
    int64_t last_sequence = 0;
    // By name.
    std::map<std::string, Kept> turns = {};
  };

  static Key KeyOf(const std::string& user, const std::string& turn_name);
  absl::Status CheckUp() const;
  bool IsFenced(const Row& row, const Fence& fence) const;
  // The row, to be changed; what it was is remembered until the next sync.
  Row& Change(const Key& key);
  void Sync() { before_.clear(); }
  void Raise(const Key& key, Row& row, const Fence& fence);
  static session::v1::Context ContextOf(const Row& row, int64_t before_sequence);

  World& world_;
  Witness& witness_;
  bool up_ = true;
  std::map<Key, Row> sessions_;
  std::vector<std::pair<Key, std::optional<Row>>> before_;
  // The highest fence that was accepted, as far as no power cut took it.
  std::map<Key, Fence> accepted_;
};

// The model at the end of a process's calls.
class SessionLink : public dispatcher::SessionPeer {
 public:
  SessionLink(Life& life, Network& network, SessionModel& model)
      : life_(life), network_(network), model_(model) {}

  Awaitable<absl::StatusOr<session::v1::ResolveSessionResponse>> ResolveSession(
      PeerCall call, session::v1::ResolveSessionRequest request) override;
  Awaitable<absl::StatusOr<session::v1::EnsureSessionResponse>> EnsureSession(
      PeerCall call, session::v1::EnsureSessionRequest request) override;
  Awaitable<absl::StatusOr<session::v1::BeginTurnResponse>> BeginTurn(
      PeerCall call, session::v1::BeginTurnRequest request) override;
  Awaitable<absl::StatusOr<session::v1::AppendStepResponse>> AppendStep(
      PeerCall call, session::v1::AppendStepRequest request) override;
  Awaitable<absl::StatusOr<session::v1::CommitTurnResponse>> CommitTurn(
      PeerCall call, session::v1::CommitTurnRequest request) override;
  Awaitable<absl::StatusOr<chat::v1::Turn>> GetTurn(PeerCall call,
                                                    session::v1::GetTurnRequest request) override;

 private:
  template <class Response, class Request>
  using Operation = absl::StatusOr<Response> (SessionModel::*)(const std::string&, const Request&);
  template <class Response, class Request>
  Awaitable<absl::StatusOr<Response>> Call(PeerCall call, Request request,
                                           Operation<Response, Request> operation);

  Life& life_;
  Network& network_;
  SessionModel& model_;
};

}  // namespace penstock::simulation
