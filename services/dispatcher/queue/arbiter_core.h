// What an arbiter's waiting turns and permits share. Used by arbiter*.cc only.
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "libs/async/one_shot.h"
#include "libs/base/mutex.h"
#include "services/dispatcher/queue/arbiter.h"
#include "services/dispatcher/scaling/adapter_gate.h"

#include "absl/container/flat_hash_map.h"
#include "absl/container/flat_hash_set.h"
#include "absl/container/inlined_vector.h"

namespace penstock::dispatcher {

using WindowWait = OneShot<absl::Status>;
using PermitWait = OneShot<absl::StatusOr<Permit>>;

// Guarded by the core's mutex.
struct TurnState {
  enum class Phase { kOut, kInLine, kAsking, kStarted };

  EntryId id = 0;
  TurnInLine turn;
  Phase phase = Phase::kOut;
  // Named by the prefetch window.
  bool in_window = false;
  // Its WaitingTurn is gone.
  bool left = false;
  LaneSet::Call call;
  PermitId permit = 0;
  // Of its permit; that of its last one while it has none, or its session's.
  int lane = LaneSet::kNone;
  absl::Duration started = absl::ZeroDuration();
  // Until then it stays in line although every lane has failed.
  absl::Duration patient_until = absl::InfiniteDuration();
  ClassLoads::Stay stay;
  // Set while a coroutine is suspended. Whoever takes it, under the lock, answers it, outside.
  std::shared_ptr<WindowWait> window_wait;
  std::shared_ptr<PermitWait> permit_wait;
};

// Thread-safe.
class ArbiterCore : public std::enable_shared_from_this<ArbiterCore> {
 public:
  ArbiterCore(std::unique_ptr<Scheduler> scheduler, std::unique_ptr<LaneSet> lanes,
              const Clock& clock, Timers& timers);

  std::shared_ptr<TurnState> Enter(TurnInLine turn);
  void Leave(TurnState& turn);
  void SetClass(TurnState& turn, chat::v1::TurnClass turn_class);

  // Null: it is in the window.
  std::shared_ptr<WindowWait> AskWindow(TurnState& turn);
  void StopWindow(TurnState& turn);

  // What became of a request for a permit: `permit` 0 means that `wait` will be answered.
  struct Asked {
    PermitId permit = 0;
    absl::string_view lane = {};
    std::shared_ptr<PermitWait> wait = nullptr;
  };
  absl::StatusOr<Asked> AskPermit(TurnState& turn, CallSize size, absl::Duration patience);
  void StopPermit(TurnState& turn);

  // Of a permit that `turn` holds.
  void Answered(const TurnState& turn, PermitId permit, const provider::v1::RateLimits& said);
  void FirstOutput(const TurnState& turn, PermitId permit);
  bool TakeRetry(const TurnState& turn);
  void Settle(TurnState& turn, PermitId permit, const chat::v1::Usage& actual);
  void Failed(TurnState& turn, PermitId permit, chat::v1::ErrorKind kind,
              const chat::v1::Usage& actual);
  void Stopped(TurnState& turn, PermitId permit);
  void GiveBack(TurnState& turn, PermitId permit);
  void NotTaken(TurnState& turn, PermitId permit);
  void NotSent(TurnState& turn, PermitId permit, chat::v1::ErrorKind kind);
  void Refused(TurnState& turn, PermitId permit, std::optional<absl::Duration> retry_after,
               const provider::v1::RateLimits& said);

  absl::Status CheckPossible(const CallSize& size) const;

  PlaceInLine Place(const TurnState& turn) const;
  PlaceInLine PlaceOfNext(const TurnInLine& turn) const;
  Eta Serial(int64_t calls) const;
  PoolLoad Load() const;
  LoadSignal Signal();
  std::optional<Outage> OutageNow() const;
  const std::vector<std::string>& lanes() const { return lane_names_; }
  LaneLoad Load(int lane) const;
  void SetShares(const Shares& shares);
  ClassLoad LoadOf(chat::v1::TurnClass turn_class);
  Eta EtaOf(chat::v1::TurnClass turn_class) const;
  void CountRefused(chat::v1::TurnClass turn_class, int64_t times);

 private:
  // Waits to be answered once the lock is released: a permit given back there takes it again.
  struct Wakes {
    ~Wakes();
    absl::InlinedVector<std::shared_ptr<WindowWait>, 4> windows;
    absl::InlinedVector<std::pair<std::shared_ptr<PermitWait>, absl::StatusOr<Permit>>, 4> permits;
  };

  void JoinLine(TurnState& turn) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  void LeaveLine(TurnState& turn) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  // A call has ended and used this much; returns as BackInLine does.
  std::shared_ptr<TurnState> End(TurnState& turn, const chat::v1::Usage& actual, absl::Duration now)
      ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  // Puts a turn whose permit has come back unused into its old place. A turn that has left is
  // forgotten: whoever takes what is returned drops it once the lock is released.
  std::shared_ptr<TurnState> BackInLine(TurnState& turn, absl::Duration now)
      ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  std::shared_ptr<TurnState> Forget(const TurnState& turn) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  // Gives the permits and names the turns of the window that can be given and named now.
  void Pump(Wakes& wakes) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  // How long until it may give more.
  absl::Duration GivePermits(Wakes& wakes) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  void NameWindow(Wakes& wakes) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  // Sends away who does not wait for the end of the outage; how long until the next one goes.
  absl::Duration SendAway(Wakes& wakes) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  // Of this turn, if it goes.
  std::optional<absl::Status> SentAway(const TurnState& turn, absl::Duration now) const
      ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  void PumpAfter(absl::Duration wait) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  PlaceInLine PlaceAt(chat::v1::TurnClass turn_class, int64_t position) const
      ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);

  const Clock& clock_;
  Timers& timers_;
  // They do not change.
  const std::vector<std::string> lane_names_;

  mutable Mutex mutex_;
  const std::unique_ptr<Scheduler> scheduler_ ABSL_PT_GUARDED_BY(mutex_);
  const std::unique_ptr<LaneSet> lanes_ ABSL_PT_GUARDED_BY(mutex_);
  EtaModel eta_ ABSL_GUARDED_BY(mutex_);
  AdapterGate adapters_ ABSL_GUARDED_BY(mutex_);
  ClassLoads loads_ ABSL_GUARDED_BY(mutex_);
  absl::flat_hash_map<EntryId, std::shared_ptr<TurnState>> turns_ ABSL_GUARDED_BY(mutex_);
  // Those with a permit_wait.
  absl::flat_hash_set<TurnState*> suspended_ ABSL_GUARDED_BY(mutex_);
  EntryId next_entry_ ABSL_GUARDED_BY(mutex_) = 1;
  PermitId next_permit_ ABSL_GUARDED_BY(mutex_) = 1;
  // Pending while the limiter asked to wait for a time.
  std::unique_ptr<Timer> retry_ ABSL_GUARDED_BY(mutex_);
};

}  // namespace penstock::dispatcher
