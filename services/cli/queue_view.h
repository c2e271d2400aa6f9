// The load of the dispatcher's queue, for people.
#pragma once

#include <cstddef>
#include <limits>
#include <string>
#include <vector>

#include "penstock/dispatcher/v1/operations.pb.h"
#include "services/cli/screen_line.h"

namespace penstock::cli {

inline constexpr size_t kAnyWidth = std::numeric_limits<size_t>::max();

// A line of its time, then the pools by name: each with its lanes, and its classes as a table. Of a
// pool that is idle only what is wrong with a lane is said. Columns that do not fit into `width`
// characters are left out, the least important first.
std::vector<ScreenLine> QueueView(const dispatcher::v1::Load& load, size_t width = kAnyWidth);

// The same as text.
std::string QueueText(const dispatcher::v1::Load& load);

}  // namespace penstock::cli
