// When turns begin: closed loop, open loop, or all at once and held.
#pragma once

#include <chrono>

#include <boost/json/object.hpp>

#include "tests/bench/turns/load.h"

namespace penstock::bench {

struct Window {
  std::chrono::milliseconds warm_up{2000};
  std::chrono::milliseconds measured{10'000};
};

// Each caller begins its next turn when the last one has ended.
boost::json::object RunClosed(Load& load, int callers, int64_t first_number, Window window);

// Turns begin at even distances, whether others have ended or not: a slow turn delays none. They
// are counted from the moment they were due.
boost::json::object RunOpen(Load& load, double rate, int64_t first_number, Window window);

// Begins `count` turns, `burst` at a time, and waits until each has its first token. Answers
// whether all have.
bool OpenStreams(Load& load, int count, int burst);

}  // namespace penstock::bench
