// The dispatcher from seeds: whatever happens around it, what it promised is kept.
//
// PENSTOCK_SEED=17 replays one seed and prints what happens; PENSTOCK_SEEDS=1-500 chooses others.

#include "tests/simulation/simulation.h"

#include <algorithm>
#include <atomic>
#include <climits>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <map>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include <gtest/gtest.h>

#include "libs/base/log.h"
#include "libs/base/mutex.h"
#include "tests/harness/heavy_test.h"

#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "absl/strings/str_split.h"

namespace penstock::simulation {
namespace {

constexpr size_t kOffencesShown = 5;
constexpr size_t kNotesShown = 60;
// What goes wrong here goes wrong by intent.
constexpr auto kSilent = static_cast<Severity>(static_cast<int>(Severity::kError) + 1);

std::string FromEnvironment(const char* name) {
  const char* value = std::getenv(name);
  return value == nullptr ? "" : value;
}

struct Range {
  uint64_t first = 1;
  uint64_t last = 100;
};

Range Seeds() {
  Range range;
  if (harness::IsFullSize()) range.last = 10'000;
  const std::vector<std::string> ends = absl::StrSplit(FromEnvironment("PENSTOCK_SEEDS"), '-');
  if (ends.size() == 2 && absl::SimpleAtoi(ends[0], &range.first)) {
    if (!absl::SimpleAtoi(ends[1], &range.last)) range.last = range.first;
  }
  if (const std::string one = FromEnvironment("PENSTOCK_SEED"); !one.empty()) {
    if (absl::SimpleAtoi(one, &range.first)) range.last = range.first;
  }
  return range;
}

Outcome RunSeed(uint64_t seed, bool prints = false) {
  Simulation simulation(Plan::Of(seed));
  simulation.world().KeepNotes(kNotesShown);
  if (prints) simulation.world().PrintNotes();
  return simulation.Run();
}

// What is wrong with a run, and how to see it again.
std::string Report(uint64_t seed, const Outcome& outcome) {
  std::vector<std::string> shown = outcome.offences;
  shown.resize(std::min(shown.size(), kOffencesShown));
  return absl::StrCat("seed ", seed, ": ", outcome.offences.size(), " offences\n  ",
                      absl::StrJoin(shown, "\n  "), "\nthe last of it:\n", outcome.trace,
                      "\nreplay: PENSTOCK_SEED=", seed,
                      " simulation_test --gtest_filter=SimulationTest.WhatWasPromisedIsKept\n");
}

class Sums {
 public:
  void Add(uint64_t seed, const Outcome& outcome) {
    MutexLock lock(mutex_);
    ++seeds_;
    events_ += outcome.events;
    crashes_ += outcome.crashes;
    turns_ += outcome.acknowledged;
    refused_ += outcome.refused;
    least_events_ = std::min(least_events_, outcome.events);
    least_crashes_ = std::min(least_crashes_, outcome.crashes);
    if (!outcome.offences.empty()) failed_.emplace(seed, Report(seed, outcome));
  }

  bool Failed() const {
    MutexLock lock(mutex_);
    return !failed_.empty();
  }

  void Check() const {
    MutexLock lock(mutex_);
    std::printf("%lld seeds, %lld events, %lld crashes, %lld turns, %lld refused\n",
                static_cast<long long>(seeds_), static_cast<long long>(events_),
                static_cast<long long>(crashes_), static_cast<long long>(turns_),
                static_cast<long long>(refused_));
    harness::AddFigures({{"seeds", seeds_},
                         {"events", events_},
                         {"crashes", crashes_},
                         {"turns", turns_},
                         {"least_events", least_events_},
                         {"least_crashes", least_crashes_},
                         {"failed_seeds", failed_.size()}});
    EXPECT_GE(least_events_, 2000);
    EXPECT_GE(least_crashes_, 3);
    if (!failed_.empty()) ADD_FAILURE() << failed_.begin()->second;
  }

 private:
  mutable Mutex mutex_;
  int64_t seeds_ ABSL_GUARDED_BY(mutex_) = 0;
  int64_t events_ ABSL_GUARDED_BY(mutex_) = 0;
  int64_t crashes_ ABSL_GUARDED_BY(mutex_) = 0;
  int64_t turns_ ABSL_GUARDED_BY(mutex_) = 0;
  int64_t refused_ ABSL_GUARDED_BY(mutex_) = 0;
  int64_t least_events_ ABSL_GUARDED_BY(mutex_) = INT64_MAX;
  int least_crashes_ ABSL_GUARDED_BY(mutex_) = INT_MAX;
  std::map<uint64_t, std::string> failed_ ABSL_GUARDED_BY(mutex_);
};

// Each seed is a world of its own.
class SimulationTest : public testing::Test {
 protected:
  SimulationTest() { ConfigureLog("simulation", kSilent); }
};

TEST_F(SimulationTest, WhatWasPromisedIsKept) {
  const Range seeds = Seeds();
  const bool prints = !FromEnvironment("PENSTOCK_SEED").empty();
  // One after the other stops at the first that fails; at full size all are judged.
  const unsigned threads =
      harness::IsFullSize() ? std::max(1U, std::thread::hardware_concurrency()) : 1;
  Sums sums;
  std::atomic<uint64_t> next = seeds.first;
  const auto work = [&] {
    for (uint64_t seed = next++; seed <= seeds.last; seed = next++) {
      sums.Add(seed, RunSeed(seed, prints));
      if (!harness::IsFullSize() && sums.Failed()) return;
    }
  };
  std::vector<std::thread> workers;
  for (unsigned i = 0; i < threads; ++i) workers.emplace_back(work);
  for (std::thread& worker : workers) worker.join();
  sums.Check();
}

TEST_F(SimulationTest, TheSameSeedIsTheSameRun) {
  for (const uint64_t seed : {uint64_t{5}, uint64_t{9}, uint64_t{12}}) {
    const Outcome first = RunSeed(seed);
    const Outcome again = RunSeed(seed);

    EXPECT_EQ(first.trace_hash, again.trace_hash) << "seed " << seed;
    EXPECT_EQ(first.events, again.events);
    EXPECT_NE(first.trace_hash, RunSeed(seed + 1).trace_hash);
  }
}

}  // namespace
}  // namespace penstock::simulation
