#include "services/session_state/session_store_rocksdb.h"

#include <utility>

#include "libs/async/status_macros.h"
#include "libs/base/failpoint.h"
#include "libs/rocksdb/key.h"
#include "services/session_state/refusals.h"
#include "services/session_state/session_records.h"

#include "absl/strings/str_cat.h"

namespace penstock::session_state {
namespace {

using chat::v1::Session;
using session::v1::StoredCreate;
using session::v1::StoredSession;

// Deletions of single keys are cheaper to read past than one of a range, up to here.
constexpr size_t kTurnsDeletedByKey = 64;

void Apply(const SessionChanges& changes, Session& session) {
  if (changes.display_name) session.set_display_name(*changes.display_name);
  if (changes.agent) session.set_agent(*changes.agent);
  if (changes.idle_ttl) *session.mutable_idle_ttl() = ToProto(*changes.idle_ttl);
  if (!changes.labels) return;
  session.clear_labels();
  for (const auto& [key, value] : *changes.labels) (*session.mutable_labels())[key] = value;
}

absl::Status CheckEtag(absl::string_view session_id, absl::string_view etag,
                       const StoredSession& stored) {
  if (etag.empty() || etag == Etag(stored)) return absl::OkStatus();
  return VersionMismatch(session_id, stored.version(), etag);
}

}  // namespace

absl::StatusOr<std::unique_ptr<RocksSessionStore>> RocksSessionStore::Open(
    RocksSessionStoreOptions options, BoundedExecutor& reads, obs::Metrics& metrics) {
  auto database = rocks::Database::Open(options.path,
                                        {.column_families = ColumnFamilies(),
                                         .block_cache_bytes = options.block_cache_bytes,
                                         .sync = options.sync},
                                        reads);
  if (!database.ok()) return std::move(database).status();
  return std::unique_ptr<RocksSessionStore>(
      new RocksSessionStore(std::move(options), *std::move(database), metrics));
}

RocksSessionStore::RocksSessionStore(RocksSessionStoreOptions options,
                                     std::unique_ptr<rocks::Database> database,
                                     obs::Metrics& metrics)
    : options_(std::move(options)),
      database_(std::move(database)),
      committer_(*database_, metrics, {.store = "session_state"}),
      cache_(options_.session_cache_bytes, metrics) {}

Awaitable<rocks::KeyLocks::Hold> RocksSessionStore::LockSession(const SessionKey& key) {
  return locks_.Lock(absl::StrCat("s", key.bytes()));
}

Awaitable<absl::StatusOr<std::optional<StoredSession>>> RocksSessionStore::LoadSession(
    const SessionKey& key, std::string session_id) {
  PENSTOCK_CO_ASSIGN_OR_RETURN(const auto found, co_await database_->Get(kSessions, key.bytes()));
  if (!found) co_return std::optional<StoredSession>();
  StoredSession stored;
  PENSTOCK_CO_RETURN_IF_ERROR(Decode(*found, stored));
  PENSTOCK_CO_RETURN_IF_ERROR(CheckSameId(SessionName(session_id), stored.session().name()));
  co_return std::make_optional(std::move(stored));
}

Awaitable<absl::StatusOr<StoredSession>> RocksSessionStore::RequireSession(const SessionKey& key,
                                                                           std::string session_id) {
  PENSTOCK_CO_ASSIGN_OR_RETURN(auto found, co_await LoadSession(key, session_id));
  if (!found) co_return SessionNotFound(session_id);
  co_return *std::move(found);
}

Awaitable<absl::Status> RocksSessionStore::Commit(rocks::WriteBatch batch, rocks::Sync sync) {
  return committer_.Commit(std::move(batch), sync);
}

Awaitable<absl::StatusOr<ResolvedSession>> RocksSessionStore::ResolveSession(UserKey user,
                                                                             std::string session) {
  const SessionKey key(user, session);
  PENSTOCK_CO_ASSIGN_OR_RETURN(const auto stored, co_await LoadSession(key, session));
  if (!stored) co_return ResolvedSession();
  co_return ResolvedSession{true, stored->session().agent(), stored->last_sequence()};
}

Awaitable<absl::StatusOr<bool>> RocksSessionStore::EnsureSession(UserKey user,
                                                                 EnsureSessionArgs args) {
  const SessionKey key(user, args.session);
  const auto hold = co_await LockSession(key);
  cache_.Drop(key);
  PENSTOCK_CO_ASSIGN_OR_RETURN(auto stored, co_await LoadSession(key, args.session));
  if (stored) co_return false;
  stored = NewSession(args.session, args.agent, options_.idle_ttl, args.now);
  rocks::WriteBatch batch;
  PutSession(batch, key, *stored);
  PENSTOCK_CO_RETURN_IF_ERROR(co_await Commit(std::move(batch), rocks::Sync::kNo));
  PENSTOCK_FAILPOINT("session_state.ensure_session.after_write");
  co_return true;
}

Awaitable<absl::StatusOr<Session>> RocksSessionStore::CreateSession(UserKey user,
                                                                    CreateSessionArgs args) {
  if (args.request_id.empty()) co_return co_await CreateUnderRequestId(user, std::move(args));
  const auto hold = co_await locks_.Lock(absl::StrCat("r", CreateKey(user, args.request_id)));
  PENSTOCK_CO_ASSIGN_OR_RETURN(auto replayed, co_await ReplayCreate(user, args));
  if (replayed) co_return *std::move(replayed);
  co_return co_await CreateUnderRequestId(user, std::move(args));
}

Awaitable<absl::StatusOr<std::optional<Session>>> RocksSessionStore::ReplayCreate(
    UserKey user, const CreateSessionArgs& args) {
  PENSTOCK_CO_ASSIGN_OR_RETURN(const auto found,
                               co_await database_->Get(kCreates, CreateKey(user, args.request_id)));
  if (!found) co_return std::optional<Session>();
  StoredCreate create;
  PENSTOCK_CO_RETURN_IF_ERROR(Decode(*found, create));
  PENSTOCK_CO_RETURN_IF_ERROR(CheckSameId(args.request_id, create.request_id()));
  if (create.body_digest() != args.body_digest) co_return RequestIdReused(args.request_id);
  PENSTOCK_CO_ASSIGN_OR_RETURN(auto session, co_await GetSession(user, create.session_id()));
  co_return std::make_optional(std::move(session));
}

Awaitable<absl::StatusOr<Session>> RocksSessionStore::CreateUnderRequestId(UserKey user,
                                                                           CreateSessionArgs args) {
  const SessionKey key(user, args.session);
  const auto hold = co_await LockSession(key);
  cache_.Drop(key);
  PENSTOCK_CO_ASSIGN_OR_RETURN(const auto existing, co_await LoadSession(key, args.session));
  if (existing) co_return SessionExists(args.session);
  const absl::Duration idle_ttl =
      args.fields.has_idle_ttl() ? FromProto(args.fields.idle_ttl()) : options_.idle_ttl;
  StoredSession stored = NewSession(args.session, args.fields.agent(), idle_ttl, args.now);
  stored.mutable_session()->set_display_name(args.fields.display_name());
  *stored.mutable_session()->mutable_labels() = args.fields.labels();
  rocks::WriteBatch batch;
  PutSession(batch, key, stored);
  if (!args.request_id.empty()) {
    StoredCreate create;
    create.set_request_id(args.request_id);
    create.set_session_id(args.session);
    create.set_body_digest(args.body_digest);
    const std::string create_key = CreateKey(user, args.request_id);
    batch.Put(kCreates, create_key, Encode(create));
    const int64_t due = DueSecond(args.now + options_.request_id_ttl);
    batch.Put(kDue, DueKey(due, DueKind::kCreate, create_key), "");
  }
  PENSTOCK_FAILPOINT("session_state.create_session.before_write");
  PENSTOCK_CO_RETURN_IF_ERROR(co_await Commit(std::move(batch), rocks::Sync::kYes));
  PENSTOCK_FAILPOINT("session_state.create_session.after_write");
  co_return ToPublic(stored);
}

Awaitable<absl::StatusOr<Session>> RocksSessionStore::GetSession(UserKey user,
                                                                 std::string session) {
  PENSTOCK_CO_ASSIGN_OR_RETURN(const StoredSession stored,
                               co_await RequireSession(SessionKey(user, session), session));
  co_return ToPublic(stored);
}

Awaitable<absl::StatusOr<Session>> RocksSessionStore::UpdateSession(UserKey user,
                                                                    UpdateSessionArgs args) {
  const SessionKey key(user, args.session);
  const auto hold = co_await LockSession(key);
  cache_.Drop(key);
  PENSTOCK_CO_ASSIGN_OR_RETURN(StoredSession stored, co_await RequireSession(key, args.session));
  PENSTOCK_CO_RETURN_IF_ERROR(CheckEtag(args.session, args.etag, stored));
  Apply(args.changes, *stored.mutable_session());
  stored.set_version(stored.version() + 1);
  Touch(stored, args.now);
  rocks::WriteBatch batch;
  PutSession(batch, key, stored);
  PENSTOCK_CO_RETURN_IF_ERROR(co_await Commit(std::move(batch), rocks::Sync::kYes));
  co_return ToPublic(stored);
}

Awaitable<absl::StatusOr<Session>> RocksSessionStore::DeleteSession(UserKey user,
                                                                    DeleteSessionArgs args) {
  const SessionKey key(user, args.session);
  const auto hold = co_await LockSession(key);
  cache_.Drop(key);
  PENSTOCK_CO_ASSIGN_OR_RETURN(const StoredSession stored,
                               co_await RequireSession(key, args.session));
  PENSTOCK_CO_RETURN_IF_ERROR(CheckEtag(args.session, args.etag, stored));
  rocks::WriteBatch batch;
  PENSTOCK_CO_RETURN_IF_ERROR(co_await AddDeletion(batch, key, stored));
  PENSTOCK_CO_RETURN_IF_ERROR(co_await Commit(std::move(batch), rocks::Sync::kYes));
  co_return ToPublic(stored);
}

Awaitable<absl::Status> RocksSessionStore::AddDeletion(rocks::WriteBatch& batch,
                                                       const SessionKey& key,
                                                       const StoredSession& stored) {
  DeleteSessionRows(batch, key, stored);
  absl::Status status;
  size_t turns = 0;
  bool open = false;
  rocks::WriteBatch by_key;
  const auto visit = [&](absl::string_view turn_key, absl::string_view value) {
    chat::v1::Turn turn;
    status = Decode(value, turn);
    if (!status.ok()) return false;
    const absl::string_view turn16 = TurnIdOfKey(turn_key);
    const absl::Time created = FromProto(turn.create_time());
    batch.Delete(kTurnsByTime, TurnByTimeKey(key, created, turn.sequence(), turn16));
    by_key.Delete(kTurns, turn_key);
    by_key.Delete(kTurnIds, TurnIdKey(key, turn16));
    open = open || !IsTerminal(turn.state());
    ++turns;
    return true;
  };
  const std::string end = rocks::PrefixSuccessor(key.bytes());
  PENSTOCK_CO_RETURN_IF_ERROR(co_await database_->Scan(kTurns, key.bytes(), end, visit));
  PENSTOCK_CO_RETURN_IF_ERROR(status);
  if (turns < kTurnsDeletedByKey) {
    batch.Append(by_key);
  } else {
    batch.DeleteRange(kTurns, key.bytes(), end);
    batch.DeleteRange(kTurnIds, key.bytes(), end);
  }
  if (open) batch.DeleteRange(kSteps, key.bytes(), end);
  co_return absl::OkStatus();
}

}  // namespace penstock::session_state
