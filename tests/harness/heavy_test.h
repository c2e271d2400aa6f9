// A heavy test has two sizes, and figures: tests/README.md.
#pragma once

#include <boost/json/object.hpp>

namespace penstock::harness {

// PENSTOCK_SCALE=full: the counts of an acceptance list, rather than those of every run.
bool IsFullSize();

// Adds to the figures of this run; PENSTOCK_FIGURES names the file, without it they are dropped.
void AddFigures(const boost::json::object& figures);

}  // namespace penstock::harness
