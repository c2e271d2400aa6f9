// Errors for people: what went wrong, and what to do about it.
#pragma once

#include <string>

#include "absl/status/status.h"
#include "absl/strings/string_view.h"

namespace penstock::cli {

// Lines that end with a newline:
//   penstock: session s1: not found (SESSION_NOT_FOUND)
//   try again in 2 s
//   what to do: `penstock session list` shows the sessions there are
// The second stands there when the refusal says when, the third when we know what to do. A refusal
// with words for end users (LocalizedMessage) begins with these and has its own below them:
//   penstock: High demand, about 30 seconds. Please try again then. (QUEUE_FULL)
//   why: pool sim/echo: 90 turns wait, a turn of CLASS_PAID may join 90; try again later
// `subject` stands before the message if not empty. `address` is the gateway's.
std::string RefusalText(const absl::Status& status, absl::string_view address,
                        absl::string_view subject = "");

// "2 s", "1.5 s", "350 ms", "3 min", "2 h".
std::string DurationText(double seconds);

}  // namespace penstock::cli
