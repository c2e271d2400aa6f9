// Leaves a lane alone that fails, and tries it again with one call.
#pragma once

#include <array>
#include <cstdint>

#include "penstock/chat/v1/message.pb.h"
#include "penstock/config/v1/config.pb.h"
#include "services/dispatcher/limits/lane_limiter.h"

#include "absl/time/time.h"

namespace penstock::dispatcher {

// What the end of a call says of its lane.
enum class Verdict {
  // It answers: also by refusing a request that nobody could serve.
  kWell,
  kFailed,
  // Our credential or our money: nothing but a person changes that.
  kFailedForLong,
  // Nothing: we stopped it, there were too many requests, or it may not have been sent.
  kNone,
};
Verdict VerdictOf(chat::v1::ErrorKind kind);

struct BreakerOptions {
  // In a row.
  int64_t failures = 5;
  // Of at least 20 calls within 30 s, more than this part.
  double failure_share = 0.5;
  absl::Duration open = absl::Seconds(5);
  absl::Duration max_open = absl::Seconds(300);
};
// The settings as validated; those of BreakerOptions where there are none.
BreakerOptions BreakerOptionsOf(const config::v1::Model& model);

// A pure state machine on the clock of its caller. Permits rise from call to call.
//
// Closed → open, for `open`, by failures in a row or by their share → half-open: one call, the
// trial → closed at its first output, or open for twice as long, at most `max_open`. kFailedForLong
// opens at once, for max_open. A time is up to a quarter longer than that, by jitter. A closing
// that lasts no longer than the opening before it counts as a failed trial. Calls that began before
// the trial say nothing any more.
class Breaker {
 public:
  enum class State { kClosed, kHalfOpen, kOpen };

  explicit Breaker(BreakerOptions options = {}) : options_(options) {}

  // Zero: a call may begin. InfiniteDuration: only the end of the trial can change that.
  absl::Duration Wait(absl::Duration now) const;
  State state(absl::Duration now) const;
  // Open or half-open.
  bool is_open() const { return open_; }
  // Of the failure that opened it last.
  chat::v1::ErrorKind cause() const { return cause_; }
  int64_t openings() const { return openings_; }

  // A call begins, for which there was no wait.
  void OnBegin(PermitId permit);
  // Its first output has come; true: that closed the breaker.
  bool OnFirstOutput(PermitId permit, absl::Duration now);
  // Its end; true: it closed the breaker.
  bool OnWell(PermitId permit, absl::Duration now);
  // Jitter in [0, 1).
  void OnFailed(PermitId permit, chat::v1::ErrorKind kind, absl::Duration now, double jitter);
  void OnNothing(PermitId permit);

 private:
  // Calls that ended in one second.
  struct Second {
    int64_t number = -1;
    int64_t calls = 0;
    int64_t failures = 0;
  };
  static constexpr int64_t kSeconds = 30;

  void Open(chat::v1::ErrorKind kind, absl::Duration now, double jitter);
  void Close(absl::Duration now);
  Second& At(absl::Duration now);
  bool TooManyFail(absl::Duration now);

  const BreakerOptions options_;
  bool open_ = false;
  absl::Duration open_until_ = absl::ZeroDuration();
  // Without jitter, of the last opening.
  absl::Duration open_for_ = absl::ZeroDuration();
  absl::Duration closed_at_ = -absl::InfiniteDuration();
  // While it is under way; 0: none.
  PermitId trial_ = 0;
  // Calls below it began before the trial that closed it.
  PermitId counted_from_ = 0;
  int64_t in_a_row_ = 0;
  std::array<Second, kSeconds> seconds_;
  chat::v1::ErrorKind cause_ = chat::v1::ERROR_KIND_UNSPECIFIED;
  int64_t openings_ = 0;
};

}  // namespace penstock::dispatcher
