#include "tests/harness/repeat.h"

#include <algorithm>
#include <thread>

#include "libs/base/refusal.h"

namespace penstock::harness {

void WaitToRepeat(const absl::Status& status) {
  const absl::Duration asked = RetryAfterOf(status).value_or(absl::Milliseconds(50));
  std::this_thread::sleep_for(absl::ToChronoMicroseconds(std::min(asked, absl::Milliseconds(500))));
}

Answer AnswerOf(const absl::Status& status) {
  switch (status.code()) {
    case absl::StatusCode::kInvalidArgument:
    case absl::StatusCode::kNotFound:
    case absl::StatusCode::kPermissionDenied:
    case absl::StatusCode::kUnauthenticated:
    case absl::StatusCode::kFailedPrecondition:
    case absl::StatusCode::kUnimplemented:
      return Answer::kRefused;
    default:
      return Answer::kUnknown;
  }
}

}  // namespace penstock::harness
