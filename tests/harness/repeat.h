// How a caller repeats a call whose answer it did not get.
#pragma once

#include "tests/harness/history.h"

#include "absl/status/status.h"
#include "absl/time/clock.h"
#include "absl/time/time.h"

namespace penstock::harness {

// Of one call of a PersistentCaller.
inline constexpr absl::Duration kCallTimeout = absl::Seconds(10);

// The wait before a call is repeated that answered `status`: what the server asked for, at most
// half a second.
void WaitToRepeat(const absl::Status& status);

// What this status says of the thing asked for: INVALID_ARGUMENT and its like say that there is
// none and will be none; all the rest may be repeated.
Answer AnswerOf(const absl::Status& status);

// Repeats a call that says, with the same request_id, the same.
template <class Call>
auto UntilKnown(absl::Time give_up, const Call& call) {
  auto answer = call();
  while (!answer.ok() && AnswerOf(answer.status()) == Answer::kUnknown && absl::Now() < give_up) {
    WaitToRepeat(answer.status());
    answer = call();
  }
  return answer;
}

}  // namespace penstock::harness
