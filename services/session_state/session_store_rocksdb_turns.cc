// Begin, end and read one turn. The rules of fences: architecture, life of a turn.
#include <algorithm>
#include <deque>
#include <utility>

#include "libs/async/status_macros.h"
#include "libs/base/failpoint.h"
#include "libs/rocksdb/key.h"
#include "libs/tokens/raw_tokens.h"
#include "services/session_state/context_window.h"
#include "services/session_state/refusals.h"
#include "services/session_state/session_records.h"
#include "services/session_state/session_store_rocksdb.h"

namespace penstock::session_state {
namespace {

using chat::v1::Turn;
using session::v1::BeginTurnResponse;
using session::v1::CommitTurnResponse;
using session::v1::Context;
using session::v1::StoredTurnPosition;

// What a turn is stored as between begin and end.
Turn BegunTurn(const TurnIds& ids, Turn accepted) {
  accepted.set_name(TurnName(ids.session, ids.turn));
  accepted.set_state(Turn::RUNNING);
  accepted.clear_queue();
  return accepted;
}

}  // namespace

Awaitable<absl::StatusOr<std::optional<RocksSessionStore::KeptTurn>>> RocksSessionStore::LoadTurn(
    const SessionKey& key, std::string turn_id) {
  const std::string turn16 = Hash16(turn_id);
  PENSTOCK_CO_ASSIGN_OR_RETURN(const auto found,
                               co_await database_->Get(kTurnIds, TurnIdKey(key, turn16)));
  if (!found) co_return std::optional<KeptTurn>();
  StoredTurnPosition position;
  PENSTOCK_CO_RETURN_IF_ERROR(Decode(*found, position));
  PENSTOCK_CO_RETURN_IF_ERROR(CheckSameId(turn_id, position.turn_id()));
  PENSTOCK_CO_ASSIGN_OR_RETURN(
      const auto stored,
      co_await database_->Get(kTurns, TurnKey(key, position.sequence(), turn16)));
  if (!stored) co_return std::optional<KeptTurn>();  // deleted between the two reads
  KeptTurn kept{.turn = {}, .steps = position.steps()};
  PENSTOCK_CO_RETURN_IF_ERROR(Decode(*stored, kept.turn));
  co_return std::make_optional(std::move(kept));
}

Awaitable<absl::StatusOr<std::unique_ptr<CachedSession>>> RocksSessionStore::TakeSession(
    const SessionKey& key, std::string session_id) {
  if (auto cached = cache_.Take(key)) {
    PENSTOCK_CO_RETURN_IF_ERROR(
        CheckSameId(SessionName(session_id), cached->stored.session().name()));
    co_return cached;
  }
  PENSTOCK_CO_ASSIGN_OR_RETURN(auto stored, co_await LoadSession(key, session_id));
  if (!stored) co_return nullptr;
  co_return std::make_unique<CachedSession>(*std::move(stored));
}

Awaitable<absl::StatusOr<std::optional<RocksSessionStore::KeptTurn>>> RocksSessionStore::TakeTurn(
    CachedSession* session, const SessionKey& key, const TurnIds& ids) {
  if (session && session->begun && session->begun->name() == TurnName(ids.session, ids.turn)) {
    co_return KeptTurn{.turn = *std::exchange(session->begun, std::nullopt),
                       .steps = session->begun_steps};
  }
  co_return co_await LoadTurn(key, ids.turn);
}

Awaitable<absl::StatusOr<BeginTurnResponse>> RocksSessionStore::BeginTurn(UserKey user,
                                                                          BeginTurnArgs args) {
  const SessionKey key(user, args.ids.session);
  const auto hold = co_await LockSession(key);
  BeginTurnResponse response;
  PENSTOCK_CO_ASSIGN_OR_RETURN(auto session, co_await TakeSession(key, args.ids.session));
  PENSTOCK_CO_ASSIGN_OR_RETURN(auto kept, co_await TakeTurn(session.get(), key, args.ids));
  if (kept && IsTerminal(kept->turn.state())) {
    *response.mutable_ended() = std::move(kept->turn);
    co_return response;
  }
  if (session && Older(args.fence, session->stored.fence())) {
    co_return Fenced(args.ids, args.fence, session->stored.fence());
  }
  if (!session) {
    session = std::make_unique<CachedSession>(
        NewSession(args.ids.session, args.accepted.agent(), options_.idle_ttl, args.now));
  }
  // Its last owner may be alive and not know it: a power cut must not let it back in, behind tool
  // results that the new one has acknowledged.
  const bool taken_over = kept && args.fence.epoch() > session->stored.fence().epoch();
  const bool fence_raised = RaiseFence(session->stored, args.fence);
  const bool is_new = !kept;
  rocks::WriteBatch batch;
  if (is_new) {
    kept = KeptTurn{.turn = BegunTurn(args.ids, std::move(args.accepted))};
    CountTurn(session->stored, kept->turn.sequence());
    PutBegunTurn(batch, key, args.ids.turn, kept->turn);
  }
  if (is_new || fence_raised) {
    Touch(session->stored, args.now);
    PutSession(batch, key, session->stored);
    PENSTOCK_FAILPOINT("session_state.begin_turn.before_write");
    PENSTOCK_CO_RETURN_IF_ERROR(
        co_await Commit(std::move(batch), taken_over ? rocks::Sync::kYes : rocks::Sync::kNo));
    PENSTOCK_FAILPOINT("session_state.begin_turn.after_write");
  }
  session->recent.Note(MakePastTurn(kept->turn, Hash16(args.ids.turn)));
  ContextBounds bounds{args.max_tokens, args.max_turns == 0
                                            ? options_.max_history_turns
                                            : std::min(args.max_turns, options_.max_history_turns)};
  std::vector<chat::v1::Step> steps;
  if (kept->steps > 0) {
    PENSTOCK_CO_ASSIGN_OR_RETURN(steps, co_await LoadSteps(key, args.ids.turn, kept->steps));
    // The answer has room for both, and the model as well.
    for (const auto& step : steps) {
      bounds.max_tokens -= RawTokens(step.message().parts());
      bounds.max_bytes -= static_cast<int64_t>(step.ByteSizeLong());
    }
  }
  PENSTOCK_CO_ASSIGN_OR_RETURN(*response.mutable_context(),
                               co_await ContextOf(*session, key, kept->turn.sequence(), bounds));
  for (auto& step : steps) *response.mutable_context()->add_steps() = std::move(step);
  session->begun_steps = kept->steps;
  session->begun = std::move(kept->turn);
  cache_.Put(key, std::move(session));
  co_return response;
}

Awaitable<absl::StatusOr<Context>> RocksSessionStore::ContextOf(CachedSession& session,
                                                                const SessionKey& key,
                                                                int64_t before_sequence,
                                                                ContextBounds bounds) {
  if (auto known = session.recent.ContextBefore(before_sequence, bounds))
    co_return *std::move(known);
  ContextWindow window(bounds);
  std::deque<PastTurn> newest_first;
  bool all = true;
  absl::Status status;
  const auto visit = [&](absl::string_view turn_key, absl::string_view value) {
    Turn turn;
    status = Decode(value, turn);
    if (!status.ok()) return false;
    newest_first.push_back(MakePastTurn(turn, TurnIdOfKey(turn_key)));
    if (turn.sequence() < before_sequence) all = window.Add(newest_first.back());
    return all;
  };
  PENSTOCK_CO_RETURN_IF_ERROR(co_await database_->Scan(kTurns, TurnKey(key, before_sequence, ""),
                                                       rocks::PrefixSuccessor(key.bytes()), visit));
  PENSTOCK_CO_RETURN_IF_ERROR(status);
  Context context = window.Context();
  // Turns above are not known, so only the newest turn's context leaves no gap.
  if (before_sequence >= session.stored.last_sequence()) {
    session.recent = RecentTurns(std::move(newest_first), all);
  }
  co_return context;
}

Awaitable<absl::StatusOr<CommitTurnResponse>> RocksSessionStore::CommitTurn(UserKey user,
                                                                            CommitTurnArgs args) {
  const SessionKey key(user, args.ids.session);
  const auto hold = co_await LockSession(key);
  CommitTurnResponse response;
  PENSTOCK_CO_ASSIGN_OR_RETURN(auto session, co_await TakeSession(key, args.ids.session));
  PENSTOCK_CO_ASSIGN_OR_RETURN(auto kept, co_await TakeTurn(session.get(), key, args.ids));
  if (kept && IsTerminal(kept->turn.state())) {
    *response.mutable_turn() = std::move(kept->turn);
    response.set_already_committed(true);
    co_return response;
  }
  const bool ends_unbegun = !kept && args.with_input && args.turn.state() != Turn::SUCCEEDED;
  const bool fenced =
      session && (ends_unbegun ? args.fence.epoch() < session->stored.fence().epoch()
                               : Older(args.fence, session->stored.fence()));
  if (fenced) co_return Fenced(args.ids, args.fence, session->stored.fence());
  if (!kept && !ends_unbegun) co_return NotBegun(args.ids);
  if (!session) {
    session = std::make_unique<CachedSession>(
        NewSession(args.ids.session, args.turn.agent(), options_.idle_ttl, args.now));
  }
  rocks::WriteBatch batch;
  if (kept) {
    RaiseFence(session->stored, args.fence);
  } else {
    kept = KeptTurn{.turn = BegunTurn(args.ids, args.turn)};
    CountTurn(session->stored, kept->turn.sequence());
    PutTurnId(batch, key, args.ids.turn, kept->turn.sequence(), /*steps=*/0);
  }
  if (kept->steps > 0) DeleteSteps(batch, key, args.ids.turn, kept->turn.sequence(), kept->steps);
  *response.mutable_turn() = EndedTurn(std::move(kept->turn), std::move(args.turn));
  Touch(session->stored, args.now);
  PutEndedTurn(batch, key, args.ids.turn, response.turn());
  PutSession(batch, key, session->stored);
  PENSTOCK_FAILPOINT("session_state.commit_turn.before_write");
  PENSTOCK_CO_RETURN_IF_ERROR(co_await Commit(std::move(batch), rocks::Sync::kYes));
  PENSTOCK_FAILPOINT("session_state.commit_turn.after_write");
  session->recent.Note(MakePastTurn(response.turn(), Hash16(args.ids.turn)));
  cache_.Put(key, std::move(session));
  co_return response;
}

Awaitable<absl::StatusOr<Turn>> RocksSessionStore::GetTurn(UserKey user, TurnIds ids) {
  const SessionKey key(user, ids.session);
  PENSTOCK_CO_ASSIGN_OR_RETURN(auto kept, co_await LoadTurn(key, ids.turn));
  if (!kept || !IsTerminal(kept->turn.state())) co_return TurnNotFound(ids);
  co_return std::move(kept->turn);
}

}  // namespace penstock::session_state
