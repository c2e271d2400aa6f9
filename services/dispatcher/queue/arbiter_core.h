// What an arbiter's waiting turns and permits share. Used by arbiter*.cc only.
#pragma once

#include <memory>

#include "libs/async/one_shot.h"
#include "libs/base/mutex.h"
#include "services/dispatcher/queue/arbiter.h"

#include "absl/container/flat_hash_map.h"
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
  CallSize size;
  PermitId permit = 0;
  absl::Duration started = absl::ZeroDuration();
  ClassLoads::Stay stay;
  // Set while a coroutine is suspended. Whoever takes it, under the lock, answers it, outside.
  std::shared_ptr<WindowWait> window_wait;
  std::shared_ptr<PermitWait> permit_wait;
};

// Thread-safe.
class ArbiterCore : public std::enable_shared_from_this<ArbiterCore> {
 public:
  ArbiterCore(std::unique_ptr<Scheduler> scheduler, std::unique_ptr<LaneLimiter> limiter,
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
    std::shared_ptr<PermitWait> wait;
  };
  absl::StatusOr<Asked> AskPermit(TurnState& turn, CallSize size);
  void StopPermit(TurnState& turn);

  void Answered(PermitId permit, const provider::v1::RateLimits& said);
  void FirstOutput(PermitId permit);
  void Overloaded(PermitId permit);
  void Settle(TurnState& turn, PermitId permit, const chat::v1::Usage& actual);
  void GiveBack(TurnState& turn, PermitId permit);
  void Refused(TurnState& turn, PermitId permit, std::optional<absl::Duration> retry_after,
               const provider::v1::RateLimits& said);

  absl::Status CheckPossible(const CallSize& size) const;

  PlaceInLine Place(const TurnState& turn) const;
  PlaceInLine PlaceOfNext(const TurnInLine& turn) const;
  Eta Serial(int64_t calls) const;
  PoolLoad Load() const;
  ClassLoad LoadOf(chat::v1::TurnClass turn_class);
  Eta EtaOf(chat::v1::TurnClass turn_class) const;
  void CountRefused(chat::v1::TurnClass turn_class);

 private:
  // Waits to be answered once the lock is released: a permit given back there takes it again.
  struct Wakes {
    ~Wakes();
    absl::InlinedVector<std::shared_ptr<WindowWait>, 4> windows;
    absl::InlinedVector<std::pair<std::shared_ptr<PermitWait>, Permit>, 4> permits;
  };

  void JoinLine(TurnState& turn) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  void LeaveLine(TurnState& turn) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  // Puts a turn whose permit has come back unused into its old place. A turn that has left is
  // forgotten: whoever takes what is returned drops it once the lock is released.
  std::shared_ptr<TurnState> BackInLine(TurnState& turn, absl::Duration now)
      ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  std::shared_ptr<TurnState> Forget(const TurnState& turn) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  // Gives the permits and names the turns of the window that can be given and named now.
  void Pump(Wakes& wakes) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  void GivePermits(Wakes& wakes) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  void NameWindow(Wakes& wakes) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  void PumpAfter(absl::Duration wait) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  PlaceInLine PlaceAt(chat::v1::TurnClass turn_class, int64_t position) const
      ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);

  const Clock& clock_;
  Timers& timers_;

  mutable Mutex mutex_;
  const std::unique_ptr<Scheduler> scheduler_ ABSL_PT_GUARDED_BY(mutex_);
  const std::unique_ptr<LaneLimiter> limiter_ ABSL_PT_GUARDED_BY(mutex_);
  EtaModel eta_ ABSL_GUARDED_BY(mutex_);
  ClassLoads loads_ ABSL_GUARDED_BY(mutex_);
  absl::flat_hash_map<EntryId, std::shared_ptr<TurnState>> turns_ ABSL_GUARDED_BY(mutex_);
  EntryId next_entry_ ABSL_GUARDED_BY(mutex_) = 1;
  PermitId next_permit_ ABSL_GUARDED_BY(mutex_) = 1;
  // Pending while the limiter asked to wait for a time.
  std::unique_ptr<Timer> retry_ ABSL_GUARDED_BY(mutex_);
};

}  // namespace penstock::dispatcher
