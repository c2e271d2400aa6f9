// A session store whose operations fail by plan.
#pragma once

#include <string>
#include <utility>

#include "libs/async/faulty.h"
#include "services/session_state/session_store.h"

namespace penstock::session_state {

// Names in the plan: those of the operations. `inner` and `plan` must outlive it.
class FaultySessionStore final : public SessionStore {
 public:
  FaultySessionStore(SessionStore& inner, FaultPlan& plan) : inner_(inner), plan_(plan) {}

  Awaitable<absl::StatusOr<ResolvedSession>> ResolveSession(UserKey user,
                                                            std::string session) override {
    return Faulty(plan_, "ResolveSession", inner_.ResolveSession(user, std::move(session)));
  }
  Awaitable<absl::StatusOr<bool>> EnsureSession(UserKey user, EnsureSessionArgs args) override {
    return Faulty(plan_, "EnsureSession", inner_.EnsureSession(user, std::move(args)));
  }
  Awaitable<absl::StatusOr<session::v1::BeginTurnResponse>> BeginTurn(UserKey user,
                                                                      BeginTurnArgs args) override {
    return Faulty(plan_, "BeginTurn", inner_.BeginTurn(user, std::move(args)));
  }
  Awaitable<absl::StatusOr<session::v1::AppendStepResponse>> AppendStep(
      UserKey user, AppendStepArgs args) override {
    return Faulty(plan_, "AppendStep", inner_.AppendStep(user, std::move(args)));
  }
  Awaitable<absl::StatusOr<session::v1::CommitTurnResponse>> CommitTurn(
      UserKey user, CommitTurnArgs args) override {
    return Faulty(plan_, "CommitTurn", inner_.CommitTurn(user, std::move(args)));
  }
  Awaitable<absl::StatusOr<chat::v1::Session>> CreateSession(UserKey user,
                                                             CreateSessionArgs args) override {
    return Faulty(plan_, "CreateSession", inner_.CreateSession(user, std::move(args)));
  }
  Awaitable<absl::StatusOr<chat::v1::Session>> GetSession(UserKey user,
                                                          std::string session) override {
    return Faulty(plan_, "GetSession", inner_.GetSession(user, std::move(session)));
  }
  Awaitable<absl::StatusOr<SessionPage>> ListSessions(UserKey user, PageArgs page) override {
    return Faulty(plan_, "ListSessions", inner_.ListSessions(user, std::move(page)));
  }
  Awaitable<absl::StatusOr<chat::v1::Session>> UpdateSession(UserKey user,
                                                             UpdateSessionArgs args) override {
    return Faulty(plan_, "UpdateSession", inner_.UpdateSession(user, std::move(args)));
  }
  Awaitable<absl::StatusOr<chat::v1::Session>> DeleteSession(UserKey user,
                                                             DeleteSessionArgs args) override {
    return Faulty(plan_, "DeleteSession", inner_.DeleteSession(user, std::move(args)));
  }
  Awaitable<absl::StatusOr<chat::v1::Turn>> GetTurn(UserKey user, TurnIds ids) override {
    return Faulty(plan_, "GetTurn", inner_.GetTurn(user, std::move(ids)));
  }
  Awaitable<absl::StatusOr<TurnPage>> ListTurns(UserKey user, ListTurnsArgs args) override {
    return Faulty(plan_, "ListTurns", inner_.ListTurns(user, std::move(args)));
  }
  Awaitable<absl::StatusOr<int>> Sweep(absl::Time now, int limit) override {
    return Faulty(plan_, "Sweep", inner_.Sweep(now, limit));
  }

 private:
  SessionStore& inner_;
  FaultPlan& plan_;
};

}  // namespace penstock::session_state
