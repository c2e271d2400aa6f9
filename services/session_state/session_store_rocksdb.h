// SessionStore on RocksDB. Key layout: STORAGE.md.
#pragma once

#include <memory>
#include <optional>
#include <string>

#include "libs/async/bounded_executor.h"
#include "libs/obs/metrics.h"
#include "libs/rocksdb/committer.h"
#include "libs/rocksdb/database.h"
#include "libs/rocksdb/key_locks.h"
#include "penstock/session/v1/stored.pb.h"
#include "services/session_state/session_cache.h"
#include "services/session_state/session_keys.h"
#include "services/session_state/session_store.h"

namespace penstock::session_state {

struct RocksSessionStoreOptions {
  // The folder; made when it is missing.
  std::string path;
  int64_t block_cache_bytes = int64_t{64} << 20;
  // Of the sessions used last; 0: every turn reads its session.
  int64_t session_cache_bytes = int64_t{64} << 20;
  bool sync = true;
  // Of sessions that do not say.
  absl::Duration idle_ttl = absl::Hours(720);
  // Turns of history that one BeginTurn answers at most.
  int32_t max_history_turns = 200;
  // How long the request_id of a CreateSession is remembered.
  absl::Duration request_id_ttl = absl::Hours(24);
};

// Every change reads and decides under the lock of its session, then writes one batch.
class RocksSessionStore final : public SessionStore {
 public:
  // Blocks. Errors of rocks::Database::Open. `reads` and `metrics` must outlive the store.
  static absl::StatusOr<std::unique_ptr<RocksSessionStore>> Open(RocksSessionStoreOptions options,
                                                                 BoundedExecutor& reads,
                                                                 obs::Metrics& metrics);

  Awaitable<absl::StatusOr<ResolvedSession>> ResolveSession(UserKey user,
                                                            std::string session) override;
  Awaitable<absl::StatusOr<bool>> EnsureSession(UserKey user, EnsureSessionArgs args) override;
  Awaitable<absl::StatusOr<session::v1::BeginTurnResponse>> BeginTurn(UserKey user,
                                                                      BeginTurnArgs args) override;
  Awaitable<absl::StatusOr<session::v1::AppendStepResponse>> AppendStep(
      UserKey user, AppendStepArgs args) override;
  Awaitable<absl::StatusOr<session::v1::CommitTurnResponse>> CommitTurn(
      UserKey user, CommitTurnArgs args) override;
  Awaitable<absl::StatusOr<chat::v1::Session>> CreateSession(UserKey user,
                                                             CreateSessionArgs args) override;
  Awaitable<absl::StatusOr<chat::v1::Session>> GetSession(UserKey user,
                                                          std::string session) override;
  Awaitable<absl::StatusOr<SessionPage>> ListSessions(UserKey user, PageArgs page) override;
  Awaitable<absl::StatusOr<chat::v1::Session>> UpdateSession(UserKey user,
                                                             UpdateSessionArgs args) override;
  Awaitable<absl::StatusOr<chat::v1::Session>> DeleteSession(UserKey user,
                                                             DeleteSessionArgs args) override;
  Awaitable<absl::StatusOr<chat::v1::Turn>> GetTurn(UserKey user, TurnIds ids) override;
  Awaitable<absl::StatusOr<TurnPage>> ListTurns(UserKey user, ListTurnsArgs args) override;
  Awaitable<absl::StatusOr<int>> Sweep(absl::Time now, int limit) override;

 private:
  using StoredSession = session::v1::StoredSession;

  RocksSessionStore(RocksSessionStoreOptions options, std::unique_ptr<rocks::Database> database,
                    obs::Metrics& metrics);

  Awaitable<rocks::KeyLocks::Hold> LockSession(const SessionKey& key);
  // nullopt: there is none.
  Awaitable<absl::StatusOr<std::optional<StoredSession>>> LoadSession(const SessionKey& key,
                                                                      std::string session_id);
  // kNotFound (SESSION_NOT_FOUND).
  Awaitable<absl::StatusOr<StoredSession>> RequireSession(const SessionKey& key,
                                                          std::string session_id);
  // Begun or ended.
  struct KeptTurn {
    chat::v1::Turn turn;
    // How many are kept of it.
    int32_t steps = 0;
  };
  Awaitable<absl::StatusOr<std::optional<KeptTurn>>> LoadTurn(const SessionKey& key,
                                                              std::string turn_id);
  Awaitable<absl::StatusOr<chat::v1::Step>> LoadStep(const SessionKey& key, std::string turn16,
                                                     int32_t step);
  // All that are kept of a turn.
  Awaitable<absl::StatusOr<std::vector<chat::v1::Step>>> LoadSteps(const SessionKey& key,
                                                                   std::string turn_id,
                                                                   int32_t steps);
  // The session that an earlier CreateSession of the same request_id made; nullopt: there was none.
  Awaitable<absl::StatusOr<std::optional<chat::v1::Session>>> ReplayCreate(
      UserKey user, const CreateSessionArgs& args);
  Awaitable<absl::StatusOr<chat::v1::Session>> CreateUnderRequestId(UserKey user,
                                                                    CreateSessionArgs args);
  // Out of the cache, or what is stored. Null: there is none.
  Awaitable<absl::StatusOr<std::unique_ptr<CachedSession>>> TakeSession(const SessionKey& key,
                                                                        std::string session_id);
  // That of `session`, or what is stored. `session` may be null.
  Awaitable<absl::StatusOr<std::optional<KeptTurn>>> TakeTurn(CachedSession* session,
                                                              const SessionKey& key,
                                                              const TurnIds& ids);
  // The history before a turn.
  Awaitable<absl::StatusOr<session::v1::Context>> ContextOf(CachedSession& session,
                                                            const SessionKey& key,
                                                            int64_t before_sequence,
                                                            ContextBounds bounds);
  Awaitable<absl::StatusOr<TurnPage>> ListTurnsOfSession(UserKey user, ListTurnsArgs args);
  Awaitable<absl::StatusOr<TurnPage>> ListTurnsOfUser(UserKey user, ListTurnsArgs args);
  // Adds the deletion of a session with all its turns.
  Awaitable<absl::Status> AddDeletion(rocks::WriteBatch& batch, const SessionKey& key,
                                      const StoredSession& stored);
  Awaitable<absl::Status> SweepSession(std::string due_key, absl::Time now);
  Awaitable<absl::Status> Commit(rocks::WriteBatch batch, rocks::Sync sync);

  const RocksSessionStoreOptions options_;
  std::unique_ptr<rocks::Database> database_;
  rocks::Committer committer_;
  rocks::KeyLocks locks_;
  SessionCache cache_;
};

}  // namespace penstock::session_state
