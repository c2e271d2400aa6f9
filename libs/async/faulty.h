// Operations that fail by plan, for tests of what uses a store.
#pragma once

#include <map>
#include <string>
#include <utility>

#include "libs/async/awaitable.h"
#include "libs/base/mutex.h"

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"

namespace penstock {

// Where the fault strikes.
enum class Fault {
  // Nothing has happened, and an error is answered.
  kBefore,
  // It was done, and an error is answered all the same.
  kAfter,
};

// Which operations fail, by name. Thread-safe.
class FaultPlan {
 public:
  // The next `times` calls of `operation` fail with `status`.
  void Add(std::string operation, Fault fault, absl::Status status, int times = 1) {
    MutexLock lock(mutex_);
    planned_[{std::move(operation), fault}] = {std::move(status), times};
  }

  // For wrappers: the error to answer now, or OK.
  absl::Status Take(absl::string_view operation, Fault fault) {
    MutexLock lock(mutex_);
    const auto found = planned_.find({std::string(operation), fault});
    if (found == planned_.end() || found->second.times == 0) return absl::OkStatus();
    --found->second.times;
    return found->second.status;
  }

 private:
  struct Planned {
    absl::Status status;
    int times = 0;
  };

  Mutex mutex_;
  std::map<std::pair<std::string, Fault>, Planned> planned_ ABSL_GUARDED_BY(mutex_);
};

// `operation`, not yet started, as the plan wants it. Result: absl::Status or absl::StatusOr<T>.
template <class Result>
Awaitable<Result> Faulty(FaultPlan& plan, absl::string_view name, Awaitable<Result> operation) {
  if (absl::Status before = plan.Take(name, Fault::kBefore); !before.ok()) co_return before;
  Result result = co_await std::move(operation);
  if (absl::Status after = plan.Take(name, Fault::kAfter); !after.ok()) co_return after;
  co_return result;
}

}  // namespace penstock
