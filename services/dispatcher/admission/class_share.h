// How much of something that all share a turn of each class may find used and still join: as it
// fills, lower classes are refused first.
#pragma once

#include <cstdint>

#include "penstock/chat/v1/turn.pb.h"

namespace penstock::dispatcher {

// ACTION all of it, PAID nine tenths, FREE three quarters, BATCH half. Whether a turn is of class
// FIRST is not known before it is taken; it joins as its tier does.
double ShareOf(chat::v1::TurnClass turn_class);

// `share` of `all`, at least 1.
int64_t PartOf(int64_t all, double share);

}  // namespace penstock::dispatcher
