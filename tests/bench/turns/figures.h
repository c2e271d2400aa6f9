// What a measurement found.
#pragma once

#include <map>
#include <string>
#include <vector>

#include <boost/json/object.hpp>

#include "libs/base/mutex.h"
#include "tests/bench/turns/load.h"

namespace penstock::bench {

// Collects the turns that were due between two moments. Thread-safe.
class Figures {
 public:
  Figures(SteadyClock::time_point from, SteadyClock::time_point to) : from_(from), to_(to) {}

  void Add(const Outcome& outcome);

  // turns_per_second counts those that ended in the window; quantiles are of those due in it, from
  // the moment they were due.
  boost::json::object ToJson() const;

 private:
  const SteadyClock::time_point from_;
  const SteadyClock::time_point to_;
  mutable Mutex mutex_;
  int64_t all_ ABSL_GUARDED_BY(mutex_) = 0;
  int64_t ended_ ABSL_GUARDED_BY(mutex_) = 0;
  std::vector<double> total_ms_ ABSL_GUARDED_BY(mutex_);
  std::vector<double> first_token_ms_ ABSL_GUARDED_BY(mutex_);
  std::map<std::string, int64_t> errors_ ABSL_GUARDED_BY(mutex_);
};

}  // namespace penstock::bench
