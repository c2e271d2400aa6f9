// The owner of the turns of a range of users: which are live, in which order those of a session
// run, what the journal is told about them.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "libs/async/live_count.h"
#include "libs/base/mutex.h"
#include "services/dispatcher/admission/accounts.h"
#include "services/dispatcher/admission/depth.h"
#include "services/dispatcher/admission/held_bytes.h"
#include "services/dispatcher/admission/request_joins.h"
#include "services/dispatcher/admission/tenant_share.h"
#include "services/dispatcher/jobs/ingest_jobs.h"
#include "services/dispatcher/queue/journal.h"
#include "services/dispatcher/queue/session_table.h"
#include "services/dispatcher/turn/retained_logs.h"
#include "services/dispatcher/turn/run_turn.h"
#include "services/dispatcher/turn/turn_services.h"

#include "absl/container/flat_hash_map.h"

namespace penstock::dispatcher {

// What a turn on its way in holds; kept with it.
struct Holds {
  Accounts::Claim claim;
  Depth::Place place;
  HeldBytes::Part bytes;
  // None: the turn is not of class FIRST.
  TenantShare::Part first;
};

// Thread-safe.
class Shard : public TurnOwner {
 public:
  struct Context {
    const TurnServices& services;
    Journal& journal;
    IngestJobs& jobs;
    Accounts& accounts;
    Depths& depths;
    HeldBytes& held;
    LiveCount& running;
    std::stop_token shutdown;
  };

  Shard(Context context, int64_t epoch);

  // Takes a turn up again that an earlier life left unfinished. In order of acceptance, before the
  // shard serves.
  void TakeUp(UnfinishedTurn unfinished);

  // UNAVAILABLE (OWNER_MOVED) once the shard was given up.
  absl::Status CheckOwned() const;

  // What is known of a session, from session-state unless it is fresh here. One question at a time
  // for each session.
  Awaitable<absl::StatusOr<std::shared_ptr<SessionEntry>>> Resolve(SessionKey key, PeerCall call);
  // Makes a session that does not exist.
  Awaitable<absl::Status> Create(std::shared_ptr<SessionEntry> entry, std::string agent,
                                 PeerCall call);
  // The session's fields, read under the lock.
  bool Exists(const SessionEntry& entry) const;
  bool HadTurns(const SessionEntry& entry) const;
  std::string AgentOf(const SessionEntry& entry) const;

  // Journals the turn at the end of its session's line and starts it. `submitted` lacks sequence
  // and, when no turn of the session was accepted before, may become one of class FIRST. `watched`:
  // the caller will attach at once. RESOURCE_EXHAUSTED (SESSION_QUEUE_FULL); UNAVAILABLE when the
  // journal cannot be written. Of a session with a live turn, by the submission's on_conflict:
  // ABORTED (SESSION_BUSY), or the cancellation of the turn at its head, journaled with the
  // acceptance.
  Awaitable<absl::StatusOr<std::shared_ptr<LiveTurn>>> Accept(std::shared_ptr<SessionEntry> entry,
                                                              identity::Principal principal,
                                                              v1::Submitted submitted, Holds holds,
                                                              bool watched);

  RequestJoins& joins() { return joins_; }

  std::shared_ptr<LiveTurn> FindTurn(const TurnKey& key) const;
  // Of a live turn, or of one that ended lately.
  std::shared_ptr<EventLog> FindLog(const TurnKey& key) const;
  // In no order.
  std::vector<std::shared_ptr<LiveTurn>> AllLive() const;
  // All of the user, or of one session; in no order.
  std::vector<std::shared_ptr<LiveTurn>> TurnsOf(const identity::UserKey& user,
                                                 absl::string_view session_id) const;
  // OK when the intent is on disk.
  Awaitable<absl::Status> Cancel(std::shared_ptr<LiveTurn> turn, bool discard_output);
  void ForgetSession(const SessionKey& key);

  chat::v1::Queue PlaceOf(const LiveTurn& turn) const;
  // Where `turn` would stand as the session's next.
  chat::v1::Queue PlaceOfNext(const SessionEntry& entry, const TurnInLine& turn,
                              const Arbiter& pool) const;
  // Once a second: tells watchers of waiting turns where these stand, and drops what is old.
  void Tick();
  // The dispatcher stops: no turn ends, the journal has them. Watchers are told `why`.
  void StopAll(const absl::Status& why);

  int64_t epoch() const override { return epoch_; }
  session::v1::Fence NextFence() override;
  void RecordStart(LiveTurn& turn, session::v1::Fence fence, int32_t step,
                   int32_t step_starts) override;
  chat::v1::TurnClass ClassOf(const LiveTurn& turn) const override;
  Awaitable<absl::Status> KeepGenerated(LiveTurn& turn, v1::Generated generated) override;
  void Settle(std::shared_ptr<LiveTurn> turn, chat::v1::Turn stored) override;
  void GiveUp(const absl::Status& fenced) override;

 private:
  LiveTurn::Timing Timing() const;
  // Lets a turn of an earlier life reserve and wait as it did.
  void TakeUpHolds(LiveTurn& turn);
  void Start(std::shared_ptr<LiveTurn> turn, std::optional<Remains> remains);
  struct Enlisted {
    std::shared_ptr<LiveTurn> turn;
    // To be cancelled for it; null: none.
    std::shared_ptr<LiveTurn> interrupted;
  };

  // Books the turn in the lines; its sequence is given here.
  absl::StatusOr<Enlisted> Enlist(SessionEntry& entry, identity::Principal principal,
                                  v1::Submitted submitted);
  void Delist(const LiveTurn& turn);
  // Whether a submission whose append failed is in the journal all the same.
  Awaitable<bool> WasJournaled(const LiveTurn& turn);
  Awaitable<void> JournalSettled(std::shared_ptr<LiveTurn> turn, chat::v1::Turn stored,
                                 std::vector<v1::Job> jobs);
  // Journals the settlement, and what the turn took on its accounts.
  Awaitable<absl::Status> SettleInJournal(const LiveTurn& turn, const chat::v1::Turn& stored,
                                          std::vector<v1::Job> jobs);
  // Whether a settlement whose write failed is in the journal all the same.
  Awaitable<bool> WasSettled(const LiveTurn& turn);

  const Context context_;
  const int64_t epoch_;
  RequestJoins joins_;
  RetainedLogs retained_;

  mutable Mutex mutex_;
  int64_t starts_ ABSL_GUARDED_BY(mutex_) = 0;
  bool given_up_ ABSL_GUARDED_BY(mutex_) = false;
  SessionTable sessions_ ABSL_GUARDED_BY(mutex_);
  absl::flat_hash_map<TurnKey, std::shared_ptr<LiveTurn>> live_ ABSL_GUARDED_BY(mutex_);
};

}  // namespace penstock::dispatcher
