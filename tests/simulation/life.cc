#include "tests/simulation/life.h"

namespace penstock::simulation {
namespace {

class PendingTimer : public Timer {
 public:
  PendingTimer(World& world, World::EventId id) : world_(world), id_(id) {}
  ~PendingTimer() override { world_.Cancel(id_); }

 private:
  World& world_;
  const World::EventId id_;
};

// Of a process that is dead.
class NoTimer : public Timer {};

// What a busy machine makes of a timer.
constexpr absl::Duration kLate = absl::Microseconds(200);

}  // namespace

Life::Life(World& world) : world_(world), timers_(*this), chance_(world.chance().Fork()) {}

Executor Life::executor() { return LifeExecutor(*this); }

void Life::Post(World::Event event) {
  const uint64_t number = next_++;
  posted_.emplace(number, std::move(event));
  if (dead_) return;
  world_.After(absl::ZeroDuration(), [this, number] {
    auto due = posted_.extract(number);
    if (!due.empty()) std::move(due.mapped())();
  });
}

void Life::Kill() {
  dead_ = true;
  for (auto& [number, cancel] : waits_) cancel();
}

void Life::Unwind() {
  while (!posted_.empty()) {
    auto due = posted_.extract(posted_.begin());
    std::move(due.mapped())();
  }
}

Awaitable<absl::Status> Life::Pause(absl::Duration delay) {
  auto over = std::make_shared<OneShot<absl::Status>>();
  if (!dead_) world_.After(delay, [over] { over->Set(absl::OkStatus()); });
  co_return co_await Wait(std::move(over));
}

std::unique_ptr<Timer> Life::LifeTimers::After(absl::Duration delay,
                                               absl::AnyInvocable<void()> callback) {
  if (life_.dead()) return std::make_unique<NoTimer>();
  const absl::Duration late = life_.chance().Between(absl::ZeroDuration(), kLate);
  const auto id = life_.world().After(delay + late, [this, due = std::move(callback)]() mutable {
    if (!life_.dead()) due();
  });
  return std::make_unique<PendingTimer>(life_.world(), id);
}

}  // namespace penstock::simulation
