#include "services/dispatcher/admission/refusals.h"

#include <gtest/gtest.h>

#include "libs/base/refusal.h"

namespace penstock::dispatcher {
namespace {

const Shortage kShortage{.message = "pool sim/echo: 90 turns wait",
                         .limit = "90",
                         .turn_class = chat::v1::CLASS_PAID,
                         .eta = absl::Seconds(27)};

TEST(RoundedUp, IsNeverLessThanTheTime) {
  EXPECT_EQ(RoundedUp(absl::ZeroDuration()), "1 second");
  EXPECT_EQ(RoundedUp(absl::Milliseconds(1200)), "2 seconds");
  EXPECT_EQ(RoundedUp(absl::Seconds(27)), "30 seconds");
  EXPECT_EQ(RoundedUp(absl::Seconds(91)), "2 minutes");
  EXPECT_EQ(RoundedUp(absl::Minutes(60)), "60 minutes");
  EXPECT_EQ(RoundedUp(absl::Minutes(61) + absl::Hours(1)), "3 hours");
}

TEST(Refusals, SayWhyInTheirMetadataAndToTheEndUser) {
  const absl::Status refused = QueueFull(kShortage);

  EXPECT_EQ(refused.code(), absl::StatusCode::kResourceExhausted);
  EXPECT_EQ(ReasonOf(refused), "QUEUE_FULL");
  EXPECT_EQ(refused.message(), "pool sim/echo: 90 turns wait");
  EXPECT_EQ(MetadataOf(refused, "limit"), "90");
  EXPECT_EQ(MetadataOf(refused, "class"), "CLASS_PAID");
  EXPECT_EQ(MetadataOf(refused, "eta_ms"), "27000");
  EXPECT_EQ(RetryAfterOf(refused), absl::Seconds(27));
  EXPECT_EQ(SaidBy(refused), "High demand, about 30 seconds. Please try again then.");
}

TEST(Refusals, AWaitThatIsTooLongIsTriedAgainWhenItWouldBeShortEnough) {
  const absl::Status refused = WaitTooLong(kShortage, absl::Seconds(20));

  EXPECT_EQ(ReasonOf(refused), "WAIT_TOO_LONG");
  EXPECT_EQ(RetryAfterOf(refused), absl::Seconds(7));
  EXPECT_EQ(SaidBy(refused),
            "High demand, about 30 seconds until an answer could begin. Please try again in 7 "
            "seconds.");
}

TEST(Refusals, AnAnswerThatComesTooLateIsNotAlwaysAMatterOfDemand) {
  Shortage idle = kShortage;
  idle.eta = absl::ZeroDuration();

  EXPECT_EQ(SaidBy(AnswerTooLate(idle, absl::Seconds(3))),
            "An answer would take longer than this request allows. Please allow it more time.");
  EXPECT_EQ(SaidBy(AnswerTooLate(kShortage, absl::Seconds(3))),
            "High demand, about 30 seconds until an answer could begin, which is too late for this "
            "request. Please try again in 3 seconds.");
}

TEST(Refusals, RatesAndBudgetsSayWhenTheyComeBack) {
  Shortage shortage = kShortage;
  shortage.limit = "20";
  shortage.eta = absl::Minutes(12);

  EXPECT_EQ(ReasonOf(UserRate(shortage)), "USER_RATE");
  EXPECT_EQ(RetryAfterOf(UserRate(shortage)), absl::Minutes(12));
  EXPECT_EQ(SaidBy(UserRate(shortage)),
            "You have sent the 20 messages that your plan allows in an hour. You can send the next "
            "one in 12 minutes.");
  EXPECT_EQ(ReasonOf(UserBudget(shortage)), "USER_BUDGET");
  EXPECT_EQ(RetryAfterOf(UserBudget(shortage)), absl::Minutes(12));
  EXPECT_EQ(ReasonOf(TenantBudget(shortage)), "TENANT_BUDGET");
  EXPECT_EQ(MetadataOf(TenantBudget(shortage), "eta_ms"), "720000");
}

TEST(Refusals, NobodyIsAskedToTryAgainAtOnce) {
  Shortage soon = kShortage;
  soon.eta = absl::ZeroDuration();

  EXPECT_EQ(RetryAfterOf(QueueFull(soon)), absl::Seconds(1));
  EXPECT_EQ(RetryAfterOf(SessionQueueFull(soon)), absl::Seconds(1));
  EXPECT_EQ(RetryAfterOf(AnswerTooLate(soon, absl::ZeroDuration())), absl::Seconds(1));
}

}  // namespace
}  // namespace penstock::dispatcher
