// Places where a test makes the process stop, fail or wait.
//
//   PENSTOCK_FAILPOINT("committer.before_write");
//   PENSTOCK_RETURN_IF_ERROR(PENSTOCK_FAILPOINT_STATUS("journal.append"));
//   if (PENSTOCK_PLANTED_BUG("planted.epoch_kept")) return stored;  // armed with error
//
// They exist only in builds with PENSTOCK_FAILPOINTS (preset chaos) and are armed by the
// environment:
// PENSTOCK_FAILPOINTS="committer.before_write=abort@3,rpc.reply=delay:50ms,journal.append=error@1".
// Actions: abort (SIGKILL to the own process), delay:DURATION (sleeps on the spot), error (only
// PENSTOCK_FAILPOINT_STATUS and PENSTOCK_PLANTED_BUG). "@n": only at the n-th hit, counted from 1;
// without it: at each.
#pragma once

#include <cstdint>
#include <map>
#include <string>

#include "libs/base/mutex.h"

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "absl/time/time.h"

namespace penstock {

struct FailpointAction {
  enum class Kind { kAbort, kDelay, kError };
  Kind kind = Kind::kAbort;
  absl::Duration delay;
  // 0: at each hit.
  int64_t at_hit = 0;
};

// Thread-safe.
class Failpoints {
 public:
  // Of the text that the environment variable holds. kInvalidArgument names the bad entry.
  static absl::StatusOr<std::map<std::string, FailpointAction>> Parse(absl::string_view text);

  explicit Failpoints(std::map<std::string, FailpointAction> armed) : armed_(std::move(armed)) {}

  // Counts the hit and does what is armed. kUnavailable for `error`.
  absl::Status Hit(absl::string_view name);

  // Those of this process, from its environment at first use. A bad text ends the process.
  static Failpoints& OfProcess();

 private:
  const std::map<std::string, FailpointAction> armed_;
  Mutex mutex_;
  std::map<std::string, int64_t, std::less<>> hits_ ABSL_GUARDED_BY(mutex_);
};

}  // namespace penstock

#if defined(PENSTOCK_FAILPOINTS)
#define PENSTOCK_FAILPOINT_STATUS(name) ::penstock::Failpoints::OfProcess().Hit(name)
#define PENSTOCK_FAILPOINT(name) PENSTOCK_FAILPOINT_STATUS(name).IgnoreError()
#else
#define PENSTOCK_FAILPOINT_STATUS(name) ::absl::OkStatus()
#define PENSTOCK_FAILPOINT(name) static_cast<void>(0)
#endif
// Bugs are in preset fuzz, too: its targets have to find theirs.
#if defined(PENSTOCK_FAILPOINTS) || defined(PENSTOCK_FUZZ)
#define PENSTOCK_PLANTED_BUG(name) (!::penstock::Failpoints::OfProcess().Hit(name).ok())
#else
#define PENSTOCK_PLANTED_BUG(name) false
#endif
