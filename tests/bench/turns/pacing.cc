#include "tests/bench/turns/pacing.h"

#include <atomic>
#include <memory>
#include <thread>

#include "libs/base/mutex.h"
#include "tests/bench/turns/figures.h"

namespace penstock::bench {
namespace {

// Counts what is under way.
class UnderWay {
 public:
  void Begin() {
    MutexLock lock(mutex_);
    ++count_;
  }
  void End() {
    MutexLock lock(mutex_);
    --count_;
    changed_.NotifyAll();
  }
  void WaitUntilAtMost(int count) {
    MutexLock lock(mutex_);
    while (count_ > count) changed_.Wait(mutex_);
  }

 private:
  Mutex mutex_;
  CondVar changed_;
  int count_ ABSL_GUARDED_BY(mutex_) = 0;
};

class ClosedLoop {
 public:
  ClosedLoop(Load& load, int64_t first_number, SteadyClock::time_point from,
             SteadyClock::time_point to)
      : load_(load), to_(to), next_(first_number), figures_(from, to) {}

  boost::json::object Run(int callers) {
    for (int caller = 0; caller < callers; ++caller) {
      callers_.Begin();
      Next();
    }
    callers_.WaitUntilAtMost(0);
    return figures_.ToJson();
  }

 private:
  void Next() {
    const auto now = SteadyClock::now();
    if (now >= to_) return callers_.End();
    load_.Begin(next_++, now, {.done = [this](const Outcome& outcome) {
                  figures_.Add(outcome);
                  Next();
                }});
  }

  Load& load_;
  const SteadyClock::time_point to_;
  std::atomic<int64_t> next_;
  Figures figures_;
  UnderWay callers_;
};

}  // namespace

boost::json::object RunClosed(Load& load, int callers, int64_t first_number, Window window) {
  const auto from = SteadyClock::now() + window.warm_up;
  return ClosedLoop(load, first_number, from, from + window.measured).Run(callers);
}

boost::json::object RunOpen(Load& load, double rate, int64_t first_number, Window window) {
  const auto start = SteadyClock::now();
  const auto from = start + window.warm_up;
  const auto to = from + window.measured;
  const std::chrono::duration<double> distance(1 / rate);
  Figures figures(from, to);
  UnderWay turns;
  for (int64_t number = 0;; ++number) {
    const auto due = start + std::chrono::duration_cast<SteadyClock::duration>(
                                 distance * static_cast<double>(number));
    if (due >= to) break;
    std::this_thread::sleep_until(due);
    turns.Begin();
    load.Begin(first_number + number, due, {.done = [&](const Outcome& outcome) {
                 figures.Add(outcome);
                 turns.End();
               }});
  }
  turns.WaitUntilAtMost(0);
  return figures.ToJson();
}

bool OpenStreams(Load& load, int count, int burst) {
  struct Opening {
    UnderWay opening;
    std::atomic<int> ended = 0;
  };
  // Held by the streams, which end after this function.
  auto state = std::make_shared<Opening>();
  for (int number = 0; number < count; ++number) {
    state->opening.WaitUntilAtMost(burst - 1);
    state->opening.Begin();
    auto arrived = std::make_shared<std::atomic<bool>>(false);
    load.Begin(number, SteadyClock::now(),
               {.done =
                    [state, arrived](const Outcome&) {
                      ++state->ended;
                      if (!arrived->exchange(true)) state->opening.End();
                    },
                .first_token =
                    [state, arrived] {
                      if (!arrived->exchange(true)) state->opening.End();
                    }});
  }
  state->opening.WaitUntilAtMost(0);
  return state->ended == 0;
}

}  // namespace penstock::bench
