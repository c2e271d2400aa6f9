// One process as a simulation has it: an executor, timers, and calls of other processes, all of
// which end with it.
#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <stop_token>
#include <utility>

#include <boost/asio/execution.hpp>
#include <boost/asio/execution_context.hpp>

#include "libs/async/awaitable.h"
#include "libs/async/one_shot.h"
#include "libs/async/timers.h"
#include "tests/simulation/world.h"

#include "absl/status/status.h"

namespace penstock::simulation {

// Must outlive every coroutine of it: destroy it last.
class Life {
 public:
  explicit Life(World& world);

  World& world() { return world_; }
  Executor executor();
  Timers& timers() { return timers_; }
  // Its own, so that what it does in its last moments costs the others no number.
  Chance& chance() { return chance_; }
  bool dead() const { return dead_; }

  // From now on nothing of it reaches anybody: no timer fires, no answer comes, whoever waits is
  // told CANCELLED. Its coroutines go on in secret, in Unwind, so that they end and nothing leaks.
  void Kill();
  void Unwind();

  // For what happens to a coroutine that waits: `told` is set to CANCELLED by Kill.
  template <class Result>
  Awaitable<Result> Wait(std::shared_ptr<OneShot<Result>> told) {
    if (dead_) co_return absl::CancelledError("the process is dead");
    const uint64_t waiting = next_++;
    waits_.emplace(waiting, [told] { told->Set(absl::CancelledError("the process is dead")); });
    Result result = co_await told->Wait();
    waits_.erase(waiting);
    co_return result;
  }
  // OK after `delay`.
  Awaitable<absl::Status> Pause(absl::Duration delay);

  void Post(World::Event event);

 private:
  class LifeTimers : public Timers {
   public:
    explicit LifeTimers(Life& life) : life_(life) {}
    std::unique_ptr<Timer> After(absl::Duration delay,
                                 absl::AnyInvocable<void()> callback) override;

   private:
    Life& life_;
  };

  World& world_;
  LifeTimers timers_;
  Chance chance_;
  bool dead_ = false;
  uint64_t next_ = 0;
  std::map<uint64_t, World::Event> posted_;
  std::map<uint64_t, absl::AnyInvocable<void()>> waits_;
};

// As InlineExecutor; what is posted comes in random order.
class LifeExecutor {
 public:
  explicit LifeExecutor(Life& life) : LifeExecutor(&life, false) {}

  bool operator==(const LifeExecutor&) const noexcept = default;

  boost::asio::execution_context& query(boost::asio::execution::context_t) const noexcept {
    return life_->world().io();
  }
  LifeExecutor require(boost::asio::execution::blocking_t::possibly_t) const {
    return {life_, false};
  }
  LifeExecutor require(boost::asio::execution::blocking_t::never_t) const { return {life_, true}; }

  template <class Function>
  void execute(Function function) const {
    if (posts_) {
      life_->Post([function = std::move(function)]() mutable { std::move(function)(); });
    } else {
      std::move(function)();
    }
  }

 private:
  LifeExecutor(Life* life, bool posts) : life_(life), posts_(posts) {}

  Life* life_;
  bool posts_;
};

}  // namespace penstock::simulation
