#include "services/dispatcher/admission/refusals.h"

#include <algorithm>

#include "libs/base/refusal.h"

#include "absl/strings/str_cat.h"

namespace penstock::dispatcher {
namespace {

constexpr absl::Duration kShortestRetry = absl::Seconds(1);

Refusal Exhausted(absl::string_view reason, const Shortage& shortage, absl::Duration retry) {
  return Refusal(absl::StatusCode::kResourceExhausted, reason, shortage.message)
      .With("limit", shortage.limit)
      .With("class", chat::v1::TurnClass_Name(shortage.turn_class))
      .With("eta_ms", absl::StrCat(absl::ToInt64Milliseconds(shortage.eta)))
      .RetryAfter(std::max(kShortestRetry, retry));
}

std::string Count(int64_t number, absl::string_view unit) {
  return absl::StrCat(number, " ", unit, number == 1 ? "" : "s");
}

int64_t Units(absl::Duration time, absl::Duration unit) { return absl::Ceil(time, unit) / unit; }

}  // namespace

std::string RoundedUp(absl::Duration time) {
  if (time <= absl::Seconds(10)) {
    return Count(std::max<int64_t>(1, Units(time, absl::Seconds(1))), "second");
  }
  if (time <= absl::Seconds(90)) return Count(5 * Units(time, absl::Seconds(5)), "second");
  if (time <= absl::Minutes(90)) return Count(Units(time, absl::Minutes(1)), "minute");
  return Count(Units(time, absl::Hours(1)), "hour");
}

absl::Status QueueFull(const Shortage& shortage) {
  Refusal refusal = Exhausted("QUEUE_FULL", shortage, shortage.eta);
  if (shortage.holds > absl::ZeroDuration()) {
    refusal.With("holds_ms", absl::StrCat(absl::ToInt64Milliseconds(shortage.holds)));
  }
  return refusal.Say(
      absl::StrCat("High demand, about ", RoundedUp(shortage.eta), ". Please try again then."));
}

absl::Status WaitTooLong(const Shortage& shortage, absl::Duration allowed) {
  return Exhausted("WAIT_TOO_LONG", shortage, shortage.eta - allowed)
      .Say(absl::StrCat("High demand, about ", RoundedUp(shortage.eta),
                        " until an answer could begin. Please try again in ",
                        RoundedUp(shortage.eta - allowed), "."));
}

absl::Status AnswerTooLate(const Shortage& shortage, absl::Duration late) {
  Refusal refusal = Exhausted("WAIT_TOO_LONG", shortage, late);
  if (shortage.eta < absl::Seconds(1)) {
    return refusal.Say(
        "An answer would take longer than this request allows. Please allow it more time.");
  }
  return refusal.Say(absl::StrCat(
      "High demand, about ", RoundedUp(shortage.eta),
      " until an answer could begin, which is too late for this request. Please try again in ",
      RoundedUp(late), "."));
}

absl::Status UserRate(const Shortage& shortage) {
  return Exhausted("USER_RATE", shortage, shortage.eta)
      .Say(absl::StrCat("You have sent the ", shortage.limit,
                        " messages that your plan allows in an hour. You can send the next one in ",
                        RoundedUp(shortage.eta), "."));
}

absl::Status UserBudget(const Shortage& shortage) {
  return Exhausted("USER_BUDGET", shortage, shortage.eta)
      .Say(absl::StrCat("You have used what your plan allows in a day. Please try again in ",
                        RoundedUp(shortage.eta), "."));
}

absl::Status TenantBudget(const Shortage& shortage) {
  return Exhausted("TENANT_BUDGET", shortage, shortage.eta)
      .Say(absl::StrCat("Your organisation has used what it may use in a day. Please try again in ",
                        RoundedUp(shortage.eta), "."));
}

absl::Status SessionQueueFull(const Shortage& shortage) {
  return Exhausted("SESSION_QUEUE_FULL", shortage, shortage.eta)
      .Say(
          "Too many messages of this conversation wait for an answer. Please wait until the "
          "first of them is answered.");
}

}  // namespace penstock::dispatcher
