// Begin, end and read one turn. The rules of fences: architecture, life of a turn.
#include <algorithm>
#include <tuple>
#include <utility>

#include "libs/async/status_macros.h"
#include "libs/base/failpoint.h"
#include "libs/rocksdb/key.h"
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
using session::v1::Fence;
using session::v1::StoredSession;
using session::v1::StoredTurnPosition;

bool Older(const Fence& fence, const Fence& than) {
  if (PENSTOCK_PLANTED_BUG("planted.fence_unchecked")) return false;
  return std::tuple(fence.epoch(), fence.start()) < std::tuple(than.epoch(), than.start());
}

// Keeps the highest; false when nothing changed.
bool RaiseFence(StoredSession& stored, const Fence& fence) {
  if (!Older(stored.fence(), fence)) return false;
  *stored.mutable_fence() = fence;
  return true;
}

// So many turns are looked at for the ones that have succeeded, so that a session full of failures
// costs no more than another.
int64_t RowsLookedAt(int32_t max_turns) { return int64_t{4} * max_turns + 64; }

// What a turn is stored as between begin and end.
Turn BegunTurn(const TurnIds& ids, Turn accepted) {
  accepted.set_name(TurnName(ids.session, ids.turn));
  accepted.set_state(Turn::RUNNING);
  accepted.clear_queue();
  return accepted;
}

}  // namespace

Awaitable<absl::StatusOr<std::optional<Turn>>> RocksSessionStore::LoadTurn(const SessionKey& key,
                                                                           std::string turn_id) {
  const std::string turn16 = Hash16(turn_id);
  PENSTOCK_CO_ASSIGN_OR_RETURN(const auto found,
                               co_await database_->Get(kTurnIds, TurnIdKey(key, turn16)));
  if (!found) co_return std::optional<Turn>();
  StoredTurnPosition position;
  PENSTOCK_CO_RETURN_IF_ERROR(Decode(*found, position));
  PENSTOCK_CO_RETURN_IF_ERROR(CheckSameId(turn_id, position.turn_id()));
  PENSTOCK_CO_ASSIGN_OR_RETURN(
      const auto stored,
      co_await database_->Get(kTurns, TurnKey(key, position.sequence(), turn16)));
  if (!stored) co_return std::optional<Turn>();  // deleted between the two reads
  Turn turn;
  PENSTOCK_CO_RETURN_IF_ERROR(Decode(*stored, turn));
  co_return std::make_optional(std::move(turn));
}

Awaitable<absl::StatusOr<BeginTurnResponse>> RocksSessionStore::BeginTurn(UserKey user,
                                                                          BeginTurnArgs args) {
  const SessionKey key(user, args.ids.session);
  const auto hold = co_await LockSession(key);
  BeginTurnResponse response;
  PENSTOCK_CO_ASSIGN_OR_RETURN(auto turn, co_await LoadTurn(key, args.ids.turn));
  if (turn && IsTerminal(turn->state())) {
    *response.mutable_ended() = *std::move(turn);
    co_return response;
  }
  PENSTOCK_CO_ASSIGN_OR_RETURN(auto stored, co_await LoadSession(key, args.ids.session));
  if (stored && Older(args.fence, stored->fence())) {
    co_return Fenced(args.ids, args.fence, stored->fence());
  }
  if (!stored) {
    stored = NewSession(args.ids.session, args.accepted.agent(), options_.idle_ttl, args.now);
  }
  const bool fence_raised = RaiseFence(*stored, args.fence);
  const int64_t sequence = turn ? turn->sequence() : args.accepted.sequence();
  rocks::WriteBatch batch;
  if (!turn) {
    CountTurn(*stored, sequence);
    PutTurn(batch, key, args.ids.turn, BegunTurn(args.ids, std::move(args.accepted)));
  }
  if (!turn || fence_raised) {
    Touch(*stored, args.now);
    PutSession(batch, key, *stored);
    PENSTOCK_FAILPOINT("session_state.begin_turn.before_write");
    PENSTOCK_CO_RETURN_IF_ERROR(co_await Commit(std::move(batch), rocks::Sync::kNo));
    PENSTOCK_FAILPOINT("session_state.begin_turn.after_write");
  }
  PENSTOCK_CO_ASSIGN_OR_RETURN(*response.mutable_context(),
                               co_await ReadContext(key, sequence, args));
  co_return response;
}

Awaitable<absl::StatusOr<Context>> RocksSessionStore::ReadContext(const SessionKey& key,
                                                                  int64_t before_sequence,
                                                                  const BeginTurnArgs& args) {
  const int32_t max_turns = args.max_turns == 0
                                ? options_.max_history_turns
                                : std::min(args.max_turns, options_.max_history_turns);
  ContextWindow window(args.max_tokens, max_turns);
  int64_t rows_left = RowsLookedAt(max_turns);
  absl::Status status;
  const auto visit = [&](absl::string_view, absl::string_view value) {
    if (rows_left-- == 0) {
      window.Truncate();
      return false;
    }
    Turn& older = window.NewTurn();
    status = Decode(value, older);
    return status.ok() && window.Add(older);
  };
  PENSTOCK_CO_RETURN_IF_ERROR(co_await database_->Scan(
      kTurns, TurnKey(key, before_sequence - 1, ""), rocks::PrefixSuccessor(key.bytes()), visit));
  PENSTOCK_CO_RETURN_IF_ERROR(status);
  co_return window.Context();
}

Awaitable<absl::StatusOr<CommitTurnResponse>> RocksSessionStore::CommitTurn(UserKey user,
                                                                            CommitTurnArgs args) {
  const SessionKey key(user, args.ids.session);
  const auto hold = co_await LockSession(key);
  CommitTurnResponse response;
  PENSTOCK_CO_ASSIGN_OR_RETURN(auto turn, co_await LoadTurn(key, args.ids.turn));
  if (turn && IsTerminal(turn->state())) {
    *response.mutable_turn() = *std::move(turn);
    response.set_already_committed(true);
    co_return response;
  }
  PENSTOCK_CO_ASSIGN_OR_RETURN(auto stored, co_await LoadSession(key, args.ids.session));
  const bool ends_unbegun = !turn && args.with_input && args.turn.state() != Turn::SUCCEEDED;
  const bool fenced = stored && (ends_unbegun ? args.fence.epoch() < stored->fence().epoch()
                                              : Older(args.fence, stored->fence()));
  if (fenced) co_return Fenced(args.ids, args.fence, stored->fence());
  if (!turn && !ends_unbegun) co_return NotBegun(args.ids);
  if (!stored) {
    stored = NewSession(args.ids.session, args.turn.agent(), options_.idle_ttl, args.now);
  }
  if (turn) {
    RaiseFence(*stored, args.fence);
  } else {
    CountTurn(*stored, args.turn.sequence());
    turn = BegunTurn(args.ids, args.turn);
  }
  *response.mutable_turn() = EndedTurn(*std::move(turn), std::move(args.turn));
  Touch(*stored, args.now);
  rocks::WriteBatch batch;
  PutTurn(batch, key, args.ids.turn, response.turn());
  PutSession(batch, key, *stored);
  PENSTOCK_FAILPOINT("session_state.commit_turn.before_write");
  PENSTOCK_CO_RETURN_IF_ERROR(co_await Commit(std::move(batch), rocks::Sync::kYes));
  PENSTOCK_FAILPOINT("session_state.commit_turn.after_write");
  co_return response;
}

Awaitable<absl::StatusOr<Turn>> RocksSessionStore::GetTurn(UserKey user, TurnIds ids) {
  const SessionKey key(user, ids.session);
  PENSTOCK_CO_ASSIGN_OR_RETURN(auto turn, co_await LoadTurn(key, ids.turn));
  if (!turn || !IsTerminal(turn->state())) co_return TurnNotFound(ids);
  co_return *std::move(turn);
}

}  // namespace penstock::session_state
