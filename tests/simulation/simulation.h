// One run: the dispatcher and all that is around it, from a plan to a verdict.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "tests/simulation/plan.h"

namespace penstock::simulation {

struct Outcome {
  // Empty: all was well.
  std::vector<std::string> offences;
  int64_t events = 0;
  int crashes = 0;
  int64_t acknowledged = 0;
  int64_t refused = 0;
  // By the limits of the provider.
  int64_t refused_by_provider = 0;
  uint64_t trace_hash = 0;
  // The newest, if they were kept.
  std::string trace;
};

class Simulation {
 public:
  explicit Simulation(Plan plan);
  ~Simulation();

  World& world() { return world_; }
  Witness& witness() { return witness_; }
  ProviderModel& provider() { return provider_; }
  Callers& callers() { return callers_; }
  const Disk& disk() const { return disk_; }
  Disk& disk() { return disk_; }
  SessionModel& sessions() { return sessions_; }
  DispatcherLife& dispatcher() { return *lives_.back(); }

  // The first life of the dispatcher.
  void Start();
  // Whoever is drawn begins to converse, over and over, until the load is over.
  void Load();
  void RunUntil(absl::Duration until) { world_.RunUntil(until); }
  // Ends the dispatcher's life, and begins the next one a little later.
  void Crash();
  // No trouble any more: everything comes to its end, or somebody says what does not.
  void Quiet();
  // All of it, as planned.
  Outcome Run();
  // Judged by all that was seen.
  Outcome Verdict();

 private:
  void StartRivals();
  void CompareRivals();
  // At this point of the load.
  void Trouble();
  void BeginLife();
  void SessionOutage();
  void MemoryOutage();
  bool IsQuiet();

  const Plan plan_;
  World world_;
  Chance chance_;
  Witness witness_;
  Network network_;
  Disk disk_;
  SessionModel sessions_;
  MemoryModel memories_;
  ProviderModel provider_;
  std::vector<std::unique_ptr<DispatcherLife>> lives_;
  Callers callers_;
  int crashes_ = 0;
  int replaced_ = 0;
  bool loads_ = false;
  // By the number of the event.
  std::vector<int64_t> crash_at_;
  std::vector<int64_t> session_outage_at_;
  std::vector<int64_t> memory_outage_at_;
};

}  // namespace penstock::simulation
