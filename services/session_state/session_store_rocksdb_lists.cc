// Pages, and the sweep of what is due.
#include <algorithm>
#include <utility>

#include "libs/async/status_macros.h"
#include "libs/rocksdb/key.h"
#include "services/session_state/session_records.h"
#include "services/session_state/session_store_rocksdb.h"

#include "absl/strings/str_cat.h"

namespace penstock::session_state {
namespace {

using chat::v1::Session;
using chat::v1::Turn;
using session::v1::StoredSession;
using session::v1::StoredTurnEntry;

// A page with a selective filter ends after this many rows.
constexpr int64_t kMaxRowsOfAPage = 10'000;

// The rest of a key behind the prefix of its list is the position in that list.
std::string PositionOf(absl::string_view key, size_t prefix_bytes) {
  return std::string(key.substr(prefix_bytes));
}

std::string BeginOf(absl::string_view prefix, absl::string_view after) {
  return after.empty() ? std::string(prefix)
                       : absl::StrCat(prefix, after, absl::string_view("\0", 1));
}

bool Matches(const ListTurnsArgs& args, Turn::State state, absl::string_view request_id) {
  return IsTerminal(state) && (args.request_id.empty() || args.request_id == request_id) &&
         (args.states.empty() ||
          std::find(args.states.begin(), args.states.end(), state) != args.states.end());
}

// Counts what still fits on a page.
class PageRoom {
 public:
  explicit PageRoom(const PageArgs& page) : items_(page.page_size), bytes_(page.max_bytes) {}

  // False: the page ends before this item.
  bool Take(size_t bytes) {
    const auto size = static_cast<int64_t>(bytes);
    if (items_ == 0 || (size > bytes_ && !empty_)) return false;
    --items_;
    bytes_ -= size;
    empty_ = false;
    return true;
  }

 private:
  int items_;
  int64_t bytes_;
  bool empty_ = true;
};

// Says where the page after this one goes on: behind the last row that was looked at.
template <class Page>
void EndPage(Page& page, const std::string& last_key, size_t prefix_bytes) {
  if (!last_key.empty()) page.next = PositionOf(last_key, prefix_bytes);
}

}  // namespace

Awaitable<absl::StatusOr<SessionPage>> RocksSessionStore::ListSessions(UserKey user,
                                                                       PageArgs args) {
  const std::string prefix(user.bytes());
  std::vector<std::string> keys;
  bool more_rows = false;
  const auto visit = [&](absl::string_view key, absl::string_view) {
    more_rows = keys.size() > static_cast<size_t>(args.page_size);
    if (!more_rows) keys.emplace_back(key);
    return !more_rows;
  };
  PENSTOCK_CO_RETURN_IF_ERROR(co_await database_->Scan(kSessionsByTime, BeginOf(prefix, args.after),
                                                       rocks::PrefixSuccessor(prefix), visit));
  SessionPage page;
  PageRoom room(args);
  std::string last;
  for (const std::string& key : keys) {
    const std::string session_key = prefix + key.substr(key.size() - 16);
    PENSTOCK_CO_ASSIGN_OR_RETURN(const auto found, co_await database_->Get(kSessions, session_key));
    if (found) {  // else deleted since
      StoredSession stored;
      PENSTOCK_CO_RETURN_IF_ERROR(Decode(*found, stored));
      Session session = ToPublic(stored);
      if (!room.Take(session.ByteSizeLong())) {
        EndPage(page, last, prefix.size());
        co_return page;
      }
      page.sessions.push_back(std::move(session));
    }
    last = key;
  }
  if (more_rows) EndPage(page, last, prefix.size());
  co_return page;
}

Awaitable<absl::StatusOr<TurnPage>> RocksSessionStore::ListTurns(UserKey user, ListTurnsArgs args) {
  return args.session ? ListTurnsOfSession(user, std::move(args))
                      : ListTurnsOfUser(user, std::move(args));
}

Awaitable<absl::StatusOr<TurnPage>> RocksSessionStore::ListTurnsOfSession(UserKey user,
                                                                          ListTurnsArgs args) {
  const SessionKey session(user, *args.session);
  PENSTOCK_CO_RETURN_IF_ERROR((co_await RequireSession(session, *args.session)).status());
  TurnPage page;
  PageRoom room(args.page);
  int64_t rows_left = kMaxRowsOfAPage;
  std::string last;
  absl::Status status;
  const auto visit = [&](absl::string_view key, absl::string_view value) {
    Turn turn;
    status = Decode(value, turn);
    if (!status.ok()) return false;
    const bool matches = Matches(args, turn.state(), turn.request_id());
    if (rows_left-- == 0 || (matches && !room.Take(turn.ByteSizeLong()))) {
      EndPage(page, last, SessionKey::kBytes);
      return false;
    }
    if (matches) page.turns.push_back(std::move(turn));
    last = std::string(key);
    return true;
  };
  PENSTOCK_CO_RETURN_IF_ERROR(
      co_await database_->Scan(kTurns, BeginOf(session.bytes(), args.page.after),
                               rocks::PrefixSuccessor(session.bytes()), visit));
  PENSTOCK_CO_RETURN_IF_ERROR(status);
  co_return page;
}

Awaitable<absl::StatusOr<TurnPage>> RocksSessionStore::ListTurnsOfUser(UserKey user,
                                                                       ListTurnsArgs args) {
  constexpr size_t kTimeBytes = 8;
  const std::string prefix(user.bytes());
  std::vector<std::string> keys;
  int64_t rows_left = kMaxRowsOfAPage;
  std::string last_looked_at;
  bool more_rows = false;
  absl::Status status;
  const auto visit = [&](absl::string_view key, absl::string_view value) {
    if (keys.size() > static_cast<size_t>(args.page.page_size) || rows_left-- == 0) {
      more_rows = true;
      return false;
    }
    StoredTurnEntry entry;
    status = Decode(value, entry);
    if (!status.ok()) return false;
    if (Matches(args, entry.state(), entry.request_id())) keys.emplace_back(key);
    last_looked_at = std::string(key);
    return true;
  };
  PENSTOCK_CO_RETURN_IF_ERROR(co_await database_->Scan(
      kTurnsByTime, BeginOf(prefix, args.page.after), rocks::PrefixSuccessor(prefix), visit));
  PENSTOCK_CO_RETURN_IF_ERROR(status);
  TurnPage page;
  PageRoom room(args.page);
  std::string last;
  for (const std::string& key : keys) {
    const std::string turn_key = prefix + key.substr(prefix.size() + kTimeBytes);
    PENSTOCK_CO_ASSIGN_OR_RETURN(const auto found, co_await database_->Get(kTurns, turn_key));
    if (found) {  // else deleted since
      Turn turn;
      PENSTOCK_CO_RETURN_IF_ERROR(Decode(*found, turn));
      if (!room.Take(turn.ByteSizeLong())) {
        EndPage(page, last, prefix.size());
        co_return page;
      }
      page.turns.push_back(std::move(turn));
    }
    last = key;
  }
  if (more_rows) EndPage(page, last_looked_at, prefix.size());
  co_return page;
}

Awaitable<absl::StatusOr<int>> RocksSessionStore::Sweep(absl::Time now, int limit) {
  std::vector<std::string> due;
  const auto visit = [&](absl::string_view key, absl::string_view) {
    due.emplace_back(key);
    return due.size() < static_cast<size_t>(limit);
  };
  const std::string end = DueKey(absl::ToUnixSeconds(now) + 1, DueKind{0}, "");
  PENSTOCK_CO_RETURN_IF_ERROR(co_await database_->Scan(kDue, "", end, visit));
  rocks::WriteBatch creates;
  for (const std::string& due_key : due) {
    rocks::KeyReader reader(due_key);
    uint64_t second = 0;
    uint8_t kind = 0;
    if (!reader.U64(second) || !reader.U8(kind)) {
      co_return absl::DataLossError("a row of the index `due` is too short");
    }
    if (DueKind{kind} == DueKind::kCreate) {
      creates.Delete(kCreates, reader.rest());
      creates.Delete(kDue, due_key);
    } else {
      PENSTOCK_CO_RETURN_IF_ERROR(co_await SweepSession(due_key, now));
    }
  }
  PENSTOCK_CO_RETURN_IF_ERROR(co_await Commit(std::move(creates), rocks::Sync::kNo));
  co_return static_cast<int>(due.size());
}

Awaitable<absl::Status> RocksSessionStore::SweepSession(std::string due_key, absl::Time now) {
  const SessionKey key(absl::string_view(due_key).substr(due_key.size() - SessionKey::kBytes));
  const auto hold = co_await LockSession(key);
  cache_.Drop(key);
  PENSTOCK_CO_ASSIGN_OR_RETURN(const auto found, co_await database_->Get(kSessions, key.bytes()));
  rocks::WriteBatch batch;
  batch.Delete(kDue, due_key);
  if (found) {
    StoredSession stored;
    PENSTOCK_CO_RETURN_IF_ERROR(Decode(*found, stored));
    const absl::Time expires = FromProto(stored.session().expire_time());
    if (expires <= now) {
      PENSTOCK_CO_RETURN_IF_ERROR(co_await AddDeletion(batch, key, stored));
    } else {  // used since: it stands there again when its new time comes
      stored.set_due_second(DueSecond(expires));
      batch.Put(kDue, DueKey(stored.due_second(), DueKind::kSession, key.bytes()), "");
      batch.Put(kSessions, key.bytes(), Encode(stored));
    }
  }
  co_return co_await Commit(std::move(batch), rocks::Sync::kNo);
}

}  // namespace penstock::session_state
