// A turn for people, after the fact.
#pragma once

#include <string>

#include "penstock/chat/v1/turn.pb.h"
#include "services/cli/console.h"

#include "absl/strings/string_view.h"

namespace penstock::cli {

// All that is known of it.
std::string TurnSheet(const chat::v1::Turn& turn);

// "sessions/s1/turns/t1  SUCCEEDED  2026-01-31 12:00:00 UTC  What the user said"
std::string TurnLine(const chat::v1::Turn& turn);

// Its answer, or why there is none. `address` is the gateway's.
void PrintOutcome(const chat::v1::Turn& turn, absl::string_view address, Console& console);

}  // namespace penstock::cli
