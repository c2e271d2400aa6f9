// Why a turn is not taken now: RESOURCE_EXHAUSTED, with `limit`, `class` and `eta_ms` in its
// metadata, a RetryInfo, and words that an application may show its user (LocalizedMessage).
#pragma once

#include <string>

#include "penstock/chat/v1/turn.pb.h"

#include "absl/status/status.h"
#include "absl/strings/string_view.h"
#include "absl/time/time.h"

namespace penstock::dispatcher {

// "1 second", "30 seconds", "12 minutes", "5 hours": never less than the time, at least a second.
std::string RoundedUp(absl::Duration time);

// The part of a refusal that all of them have. `message` is for whoever reads the logs of the
// caller; `eta`: until such a turn might start.
struct Shortage {
  std::string message;
  std::string limit;
  chat::v1::TurnClass turn_class;
  absl::Duration eta;
  // For so long every turn of the tenant, tier, urgency, agent and model would be told the same;
  // zero: this one alone. Metadata `holds_ms`.
  absl::Duration holds = absl::ZeroDuration();
};

// The pool's depth is used up for such a turn. The same may be tried when it might start.
absl::Status QueueFull(const Shortage& shortage);
// It would start later than `allowed`.
absl::Status WaitTooLong(const Shortage& shortage, absl::Duration allowed);
// It might start in time, but its answer would come after its deadline.
absl::Status AnswerTooLate(const Shortage& shortage, absl::Duration late);
// The user has had its tier's turns of an hour. `eta`: until the next one is taken.
absl::Status UserRate(const Shortage& shortage);
// The user's, or the tenant's, tokens or money of the day are used up. `eta`: until the next day,
// or until turns that have reserved the rest may have ended.
absl::Status UserBudget(const Shortage& shortage);
absl::Status TenantBudget(const Shortage& shortage);
// As many turns of the session as may wait are waiting.
absl::Status SessionQueueFull(const Shortage& shortage);

}  // namespace penstock::dispatcher
