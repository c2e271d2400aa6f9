#include "tests/simulation/session_model.h"

#include <algorithm>

#include "libs/base/failpoint.h"
#include "libs/base/refusal.h"

#include "absl/strings/str_cat.h"

namespace penstock::simulation {
namespace {

using chat::v1::Turn;

absl::Status Refused(absl::string_view reason, const std::string& turn) {
  return Refusal(absl::StatusCode::kFailedPrecondition, reason, absl::StrCat(turn, ": ", reason));
}

// What later turns are told of it.
bool IsRemembered(const Turn& turn) {
  return turn.state() == Turn::SUCCEEDED || (turn.output_size() > 0 && !turn.output_partial());
}

// As committed, with what the begin knew.
Turn Merged(const Turn& begun, Turn committed) {
  committed.set_name(begun.name());
  committed.set_sequence(begun.sequence());
  *committed.mutable_input() = begun.input();
  *committed.mutable_create_time() = begun.create_time();
  *committed.mutable_deadline() = begun.deadline();
  committed.set_request_id(begun.request_id());
  committed.clear_queue();
  return committed;
}

std::string SessionOfTurn(const std::string& turn_name) {
  return turn_name.substr(0, turn_name.find("/turns/"));
}

}  // namespace

std::string UserOf(const identity::Principal& principal) {
  return absl::StrCat(principal.tenant, "/", principal.user);
}

SessionModel::Key SessionModel::KeyOf(const std::string& user, const std::string& turn_name) {
  return {user, SessionOfTurn(turn_name)};
}

absl::Status SessionModel::CheckUp() const {
  return up_ ? absl::OkStatus() : absl::UnavailableError("session-state is down");
}

bool SessionModel::IsFenced(const Row& row, const Fence& fence) const {
  if (PENSTOCK_PLANTED_BUG("planted.fence_unchecked")) return false;
  return fence < row.fence;
}

SessionModel::Row& SessionModel::Change(const Key& key) {
  const auto found = sessions_.find(key);
  before_.emplace_back(key, found == sessions_.end() ? std::nullopt : std::optional(found->second));
  return sessions_[key];
}

void SessionModel::Raise(const Key& key, Row& row, const Fence& fence) {
  row.fence = std::max(row.fence, fence);
  Fence& accepted = accepted_[key];
  if (fence < accepted) {
    witness_.Accuse("FENCE", key.second,
                    absl::StrCat("work of ", fence.first, ".", fence.second, " was accepted after ",
                                 accepted.first, ".", accepted.second));
  }
  accepted = std::max(accepted, fence);
}

absl::StatusOr<session::v1::ResolveSessionResponse> SessionModel::Resolve(
    const std::string& user, const session::v1::ResolveSessionRequest& request) {
  if (!up_) return CheckUp();
  session::v1::ResolveSessionResponse response;
  const auto row = sessions_.find({user, request.session()});
  if (row == sessions_.end()) return response;
  response.set_exists(true);
  response.set_agent(row->second.agent);
  response.set_last_sequence(row->second.last_sequence);
  return response;
}

absl::StatusOr<session::v1::EnsureSessionResponse> SessionModel::Ensure(
    const std::string& user, const session::v1::EnsureSessionRequest& request) {
  if (!up_) return CheckUp();
  session::v1::EnsureSessionResponse response;
  const Key key(user, request.session());
  response.set_created(!sessions_.contains(key));
  if (response.created()) Change(key).agent = request.agent();
  return response;
}

absl::StatusOr<session::v1::BeginTurnResponse> SessionModel::Begin(
    const std::string& user, const session::v1::BeginTurnRequest& request) {
  if (!up_) return CheckUp();
  const Key key = KeyOf(user, request.turn());
  const Fence fence(request.fence().epoch(), request.fence().start());
  session::v1::BeginTurnResponse response;
  if (const auto found = sessions_.find(key); found != sessions_.end()) {
    const auto kept = found->second.turns.find(request.turn());
    if (kept != found->second.turns.end() && kept->second.ended) {
      *response.mutable_ended() = *kept->second.turn;
      return response;
    }
    if (IsFenced(found->second, fence)) return Refused("FENCED", request.turn());
  }
  Row& row = Change(key);
  if (row.agent.empty()) row.agent = request.accepted().agent();
  const bool epoch_rises = fence.first > row.fence.first;
  Raise(key, row, fence);
  Kept& kept = row.turns[request.turn()];
  if (kept.turn != nullptr && epoch_rises) Sync();
  if (kept.turn == nullptr) {
    kept.turn = std::make_shared<const Turn>(request.accepted());
    row.last_sequence = std::max(row.last_sequence, kept.turn->sequence());
  }
  *response.mutable_context() = ContextOf(row, kept.turn->sequence());
  for (const auto& step : kept.steps) *response.mutable_context()->add_steps() = step;
  world_.Note("session-state begins", request.turn());
  return response;
}

session::v1::Context SessionModel::ContextOf(const Row& row, int64_t before_sequence) {
  std::vector<const Turn*> before;
  for (const auto& [name, kept] : row.turns) {
    if (kept.ended && kept.turn->sequence() < before_sequence && IsRemembered(*kept.turn)) {
      before.push_back(kept.turn.get());
    }
  }
  std::sort(before.begin(), before.end(),
            [](const Turn* a, const Turn* b) { return a->sequence() < b->sequence(); });
  session::v1::Context context;
  for (const Turn* turn : before) {
    auto* said = context.add_history();
    said->set_role(chat::v1::USER);
    *said->mutable_parts() = turn->input();
    for (const auto& message : turn->output()) *context.add_history() = message;
  }
  return context;
}

absl::StatusOr<session::v1::AppendStepResponse> SessionModel::Append(
    const std::string& user, const session::v1::AppendStepRequest& request) {
  if (!up_) return CheckUp();
  const Key key = KeyOf(user, request.turn());
  const Fence fence(request.fence().epoch(), request.fence().start());
  session::v1::AppendStepResponse response;
  const auto found = sessions_.find(key);
  if (found == sessions_.end()) return Refused("NOT_BEGUN", request.turn());
  const auto known = found->second.turns.find(request.turn());
  if (known != found->second.turns.end() && known->second.ended) {
    *response.mutable_ended() = *known->second.turn;
    return response;
  }
  if (IsFenced(found->second, fence)) return Refused("FENCED", request.turn());
  if (known == found->second.turns.end()) return Refused("NOT_BEGUN", request.turn());
  const auto number = static_cast<size_t>(request.step().step());
  const auto& steps = known->second.steps;
  if (number < steps.size() &&
      steps[number].SerializeAsString() != request.step().SerializeAsString()) {
    return FieldInvalid("step", "another step of this number", "the one that is kept");
  }
  if (number > steps.size()) return FieldInvalid("step", "a gap", "the next step");
  if (number < steps.size()) return response;
  Row& row = Change(key);
  Raise(key, row, fence);
  row.turns[request.turn()].steps.push_back(request.step());
  Sync();
  world_.Note("session-state appends a step of", request.turn());
  return response;
}

absl::StatusOr<session::v1::CommitTurnResponse> SessionModel::Commit(
    const std::string& user, const session::v1::CommitTurnRequest& request) {
  if (!up_) return CheckUp();
  const std::string& name = request.turn().name();
  const Key key = KeyOf(user, name);
  const Fence fence(request.fence().epoch(), request.fence().start());
  session::v1::CommitTurnResponse response;
  const auto found = sessions_.find(key);
  const Row none;
  const Row& before = found == sessions_.end() ? none : found->second;
  const auto known = before.turns.find(name);
  const bool begun = known != before.turns.end();
  if (begun && known->second.ended) {
    *response.mutable_turn() = *known->second.turn;
    response.set_already_committed(true);
    return response;
  }
  const bool unbegun = !begun && request.with_input() && request.turn().state() != Turn::SUCCEEDED;
  if (unbegun ? fence.first < before.fence.first : IsFenced(before, fence)) {
    return Refused("FENCED", name);
  }
  if (!begun && !unbegun) return Refused("NOT_BEGUN", name);
  if (unbegun && request.turn().input().empty()) {
    return FieldInvalid("turn.input", "no parts", "at least one");
  }
  Row& row = Change(key);
  if (row.agent.empty()) row.agent = request.turn().agent();
  if (begun) Raise(key, row, fence);
  Kept& kept = row.turns[name];
  kept.turn =
      std::make_shared<const Turn>(begun ? Merged(*kept.turn, request.turn()) : request.turn());
  kept.ended = true;
  kept.steps.clear();
  row.last_sequence = std::max(row.last_sequence, kept.turn->sequence());
  Sync();
  world_.Note("session-state ends", name);
  *response.mutable_turn() = *kept.turn;
  return response;
}

absl::StatusOr<Turn> SessionModel::Get(const std::string& user,
                                       const session::v1::GetTurnRequest& request) {
  if (!up_) return CheckUp();
  const auto row = sessions_.find(KeyOf(user, request.name()));
  if (row != sessions_.end()) {
    const auto kept = row->second.turns.find(request.name());
    if (kept != row->second.turns.end() && kept->second.ended) return *kept->second.turn;
  }
  return Refusal(absl::StatusCode::kNotFound, "TURN_NOT_FOUND", request.name());
}

void SessionModel::LosePower() {
  up_ = false;
  const auto lost = world_.chance().Between(0, static_cast<int64_t>(before_.size()));
  world_.Note("session-state loses power, writes lost:", absl::StrCat(lost));
  for (int64_t i = 0; i < lost; ++i) {
    auto& [key, row] = before_.back();
    if (row) {
      accepted_[key] = row->fence;
      sessions_[key] = *std::move(row);
    } else {
      accepted_.erase(key);
      sessions_.erase(key);
    }
    before_.pop_back();
  }
  Sync();
}

void SessionModel::Forget(const std::string& user, const std::string& session) {
  sessions_.erase({user, session});
  accepted_.erase({user, session});
}

std::vector<std::pair<std::string, Turn>> SessionModel::Ended() const {
  std::vector<std::pair<std::string, Turn>> ended;
  for (const auto& [key, row] : sessions_) {
    for (const auto& [name, kept] : row.turns) {
      if (kept.ended) ended.emplace_back(key.first, *kept.turn);
    }
  }
  return ended;
}

template <class Response, class Request>
Awaitable<absl::StatusOr<Response>> SessionLink::Call(PeerCall call, Request request,
                                                      Operation<Response, Request> operation) {
  return network_.Call<Response>(
      life_, {.deadline = call.deadline, .stop = call.stop},
      [&model = model_, user = UserOf(call.principal), request = std::move(request), operation] {
        return (model.*operation)(user, request);
      });
}

Awaitable<absl::StatusOr<session::v1::ResolveSessionResponse>> SessionLink::ResolveSession(
    PeerCall call, session::v1::ResolveSessionRequest request) {
  return Call(std::move(call), std::move(request), &SessionModel::Resolve);
}

Awaitable<absl::StatusOr<session::v1::EnsureSessionResponse>> SessionLink::EnsureSession(
    PeerCall call, session::v1::EnsureSessionRequest request) {
  return Call(std::move(call), std::move(request), &SessionModel::Ensure);
}

Awaitable<absl::StatusOr<session::v1::BeginTurnResponse>> SessionLink::BeginTurn(
    PeerCall call, session::v1::BeginTurnRequest request) {
  return Call(std::move(call), std::move(request), &SessionModel::Begin);
}

Awaitable<absl::StatusOr<session::v1::AppendStepResponse>> SessionLink::AppendStep(
    PeerCall call, session::v1::AppendStepRequest request) {
  return Call(std::move(call), std::move(request), &SessionModel::Append);
}

Awaitable<absl::StatusOr<session::v1::CommitTurnResponse>> SessionLink::CommitTurn(
    PeerCall call, session::v1::CommitTurnRequest request) {
  return Call(std::move(call), std::move(request), &SessionModel::Commit);
}

Awaitable<absl::StatusOr<chat::v1::Turn>> SessionLink::GetTurn(
    PeerCall call, session::v1::GetTurnRequest request) {
  return Call(std::move(call), std::move(request), &SessionModel::Get);
}

}  // namespace penstock::simulation
