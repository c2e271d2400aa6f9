#include "tests/providersim/account_limits.h"

#include <algorithm>
#include <tuple>

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <rapidcheck/gtest.h>

namespace penstock::providersim {
namespace {

using testing::SizeIs;

constexpr LawKind kLaws[] = {LawKind::kBucket, LawKind::kSliding, LawKind::kMinute};

LimitState StateOf(AccountLimits& limits, Micros now, Dimension dimension) {
  for (const LimitState& state : limits.Stated(now)) {
    if (state.dimension == dimension) return state;
  }
  return {.dimension = dimension, .limit = -1};
}

int64_t RemainingTokens(AccountLimits& limits, Micros now) {
  return StateOf(limits, now, Dimension::kTokens).remaining;
}

// Nothing: admitted.
std::optional<LimitExceeded> Ask(AccountLimits& limits, Micros now, int64_t input, int64_t output) {
  OpenCharge charge;
  return limits.Admit(now, {.input_tokens = input, .max_output_tokens = output}, charge);
}

TEST(AccountLimits, ChargesInputAndTheBoundAndGivesBackWhatWasNotGenerated) {
  AccountLimits limits({.requests = 10, .input_tokens = 100, .output_tokens = 100, .tokens = 1000});
  OpenCharge charge;

  ASSERT_FALSE(limits.Admit(0, {.input_tokens = 30, .max_output_tokens = 70}, charge));
  EXPECT_EQ(StateOf(limits, 0, Dimension::kRequests).remaining, 9);
  EXPECT_EQ(StateOf(limits, 0, Dimension::kInputTokens).remaining, 70);
  EXPECT_EQ(StateOf(limits, 0, Dimension::kOutputTokens).remaining, 30);
  EXPECT_EQ(RemainingTokens(limits, 0), 900);
  limits.Generate(0, charge, 20);
  limits.Settle(0, charge);

  EXPECT_EQ(StateOf(limits, 0, Dimension::kOutputTokens).remaining, 80);
  EXPECT_EQ(StateOf(limits, 0, Dimension::kInputTokens).remaining, 70);
  EXPECT_EQ(RemainingTokens(limits, 0), 950);
  EXPECT_EQ(limits.charged().requests, 1);
  EXPECT_EQ(limits.charged().input_tokens, 30);
  EXPECT_EQ(limits.charged().output_tokens, 20);
}

TEST(AccountLimits, ChargesWhatWasGeneratedBeyondADefaultBound) {
  AccountLimits limits({.tokens = 1000});
  OpenCharge charge;
  ASSERT_FALSE(limits.Admit(0, {.input_tokens = 10, .max_output_tokens = 10}, charge));

  limits.Generate(0, charge, 50);
  limits.Settle(0, charge);

  EXPECT_EQ(RemainingTokens(limits, 0), 940);
}

TEST(AccountLimits, ChargesOutputAsItIsGeneratedAlsoBelowNought) {
  AccountLimits limits({.output_tokens = 60, .charge = ChargeTime::kGenerated});
  OpenCharge charge;
  ASSERT_FALSE(limits.Admit(0, {.input_tokens = 500, .max_output_tokens = 500}, charge));

  limits.Generate(0, charge, 59);
  EXPECT_FALSE(Ask(limits, 0, 1, 500));
  limits.Generate(0, charge, 11);
  const auto exceeded = Ask(limits, 0, 1, 500);
  limits.Settle(0, charge);

  ASSERT_TRUE(exceeded);
  EXPECT_EQ(exceeded->dimension, Dimension::kOutputTokens);
  EXPECT_EQ(exceeded->remaining, 0);
  EXPECT_EQ(exceeded->retry_after, 11 * kSecond);
  EXPECT_EQ(StateOf(limits, 0, Dimension::kOutputTokens).reset, 70 * kSecond);
}

TEST(AccountLimits, RefusesWithoutAChargeAndNamesWhatTakesLongest) {
  AccountLimits limits({.requests = 60, .input_tokens = 600, .tokens = 1200});
  ASSERT_FALSE(Ask(limits, 0, 600, 500));

  const auto exceeded = Ask(limits, 0, 100, 100);

  ASSERT_TRUE(exceeded);
  EXPECT_EQ(exceeded->dimension, Dimension::kInputTokens);
  EXPECT_EQ(exceeded->limit, 600);
  EXPECT_EQ(exceeded->remaining, 0);
  EXPECT_EQ(exceeded->requested, 100);
  EXPECT_EQ(exceeded->retry_after, 10 * kSecond);
  EXPECT_EQ(StateOf(limits, 0, Dimension::kRequests).remaining, 59);
  EXPECT_EQ(RemainingTokens(limits, 0), 100);
  EXPECT_EQ(limits.charged().requests, 1);
  EXPECT_EQ(limits.rate_limited(), 1);
}

TEST(AccountLimits, NeverFitsWhatIsMoreThanTheWholeAllowance) {
  AccountLimits limits({.requests = 1, .tokens = 1000});
  ASSERT_FALSE(Ask(limits, 0, 500, 500));

  const auto exceeded = Ask(limits, kMinute, 500, 501);

  ASSERT_TRUE(exceeded);
  EXPECT_EQ(exceeded->dimension, Dimension::kTokens);
  EXPECT_FALSE(exceeded->retry_after);
  EXPECT_TRUE(Ask(limits, kMinute, 1, INT32_MAX));
  EXPECT_FALSE(Ask(limits, kMinute, 500, 500));
}

TEST(AccountLimits, WaitsAnewForWhatLapsesBeforeTheOtherDimensionFits) {
  AccountLimits limits({.requests = 60, .tokens = 600, .law = LawKind::kMinute});
  for (int i = 0; i < 60; ++i) ASSERT_FALSE(Ask(limits, 59 * kSecond, 0, 1));

  const auto exceeded = Ask(limits, 59 * kSecond, 100, 200);

  ASSERT_TRUE(exceeded);
  EXPECT_EQ(exceeded->retry_after, 30 * kSecond);
}

TEST(AccountLimits, WaitsAnewInWhicheverOrderDimensionsStand) {
  AccountLimits limits({.requests = 6, .tokens = 600, .law = LawKind::kMinute});
  ASSERT_FALSE(Ask(limits, 59 * kSecond, 0, 600));

  const auto exceeded = Ask(limits, 59 * kSecond, 0, 1);

  ASSERT_TRUE(exceeded);
  EXPECT_EQ(exceeded->dimension, Dimension::kRequests);
  EXPECT_EQ(exceeded->retry_after, 10 * kSecond);
}

TEST(AccountLimits, CountsAnEarlierTimeAsTheLatest) {
  AccountLimits limits({.tokens = 600});
  ASSERT_FALSE(Ask(limits, kSecond, 600, 0));

  EXPECT_EQ(Ask(limits, 0, 10, 0)->retry_after, kSecond);
}

TEST(AccountLimits, LeavesASecondConsumerItsShareOfEachBucket) {
  AccountLimits limits({.requests = 60, .tokens = 600, .other_consumer_ppm = 500'000});
  ASSERT_FALSE(Ask(limits, 0, 600, 0));

  EXPECT_EQ(RemainingTokens(limits, kSecond), 5);
  EXPECT_EQ(RemainingTokens(limits, 20 * kSecond), 100);
  EXPECT_EQ(StateOf(limits, 20 * kSecond, Dimension::kRequests).remaining, 59);
}

TEST(AccountLimits, LetsASecondConsumerFillItsShareOfTheLastMinute) {
  AccountLimits limits({.tokens = 600, .law = LawKind::kSliding, .other_consumer_ppm = 500'000});

  EXPECT_EQ(RemainingTokens(limits, 30 * kSecond), 450);
  EXPECT_EQ(RemainingTokens(limits, kMinute), 300);
  EXPECT_EQ(RemainingTokens(limits, 10 * kMinute), 300);
}

TEST(AccountLimits, LetsASecondConsumerDrawFromEverySlice) {
  AccountLimits limits({.tokens = 600, .law = LawKind::kMinute, .other_consumer_ppm = 500'000});

  EXPECT_EQ(RemainingTokens(limits, 0), 10);
  EXPECT_EQ(RemainingTokens(limits, kSecond - 1), 5);
  EXPECT_EQ(RemainingTokens(limits, kSecond), 15);
  EXPECT_EQ(RemainingTokens(limits, 59 * kSecond), 305);
}

TEST(AccountLimits, GivesASecondConsumerNoMoreThanThereIsRoomFor) {
  AccountLimits limits({.tokens = 600, .law = LawKind::kSliding, .other_consumer_ppm = 900'000});
  ASSERT_FALSE(Ask(limits, 0, 600, 0));

  EXPECT_EQ(RemainingTokens(limits, kMinute - 1), 0);
  EXPECT_EQ(RemainingTokens(limits, kMinute), 599);
}

TEST(AccountLimits, DrawsTheSameHoweverOftenItIsConsulted) {
  for (const LawKind law : kLaws) {
    AccountLimits rarely({.tokens = 777, .law = law, .other_consumer_ppm = 333'333});
    AccountLimits often({.tokens = 777, .law = law, .other_consumer_ppm = 333'333});

    for (Micros now = 0; now <= 150 * kSecond; now += 7'777) often.Stated(now);

    EXPECT_EQ(RemainingTokens(often, 151 * kSecond), RemainingTokens(rarely, 151 * kSecond));
  }
}

TEST(AccountLimits, CutsEveryAllowanceFromNowOn) {
  AccountLimits limits({.requests = 60, .tokens = 600});
  ASSERT_FALSE(Ask(limits, 0, 400, 0));

  limits.Scale(0, 0.5, false);

  EXPECT_EQ(StateOf(limits, 0, Dimension::kTokens).limit, 300);
  EXPECT_EQ(RemainingTokens(limits, 0), 200);
  EXPECT_EQ(StateOf(limits, 0, Dimension::kTokens).reset, 20 * kSecond);
  EXPECT_EQ(StateOf(limits, 0, Dimension::kRequests).limit, 30);
  EXPECT_FALSE(Ask(limits, 0, 301, 0)->retry_after);
  limits.Scale(0, 1, false);
  EXPECT_EQ(StateOf(limits, 0, Dimension::kTokens).limit, 600);
}

TEST(AccountLimits, KeepsItsHeadersWhenItsLimitsChangeSilently) {
  for (const LawKind law : kLaws) {
    const LimitOptions options{.requests = 60, .tokens = 600, .law = law};
    AccountLimits changed(options);
    AccountLimits unchanged(options);
    Micros now = 10 * kSecond;

    changed.Scale(now, 0.5, true);
    for (; now < 3 * kMinute; now += 3 * kSecond) {
      OpenCharge charge;
      OpenCharge same;
      const Demand demand{.input_tokens = 3, .max_output_tokens = 9};
      if (changed.Admit(now, demand, charge)) continue;
      ASSERT_FALSE(unchanged.Admit(now, demand, same));
      changed.Settle(now + kSecond, charge);
      unchanged.Settle(now + kSecond, same);
    }

    const auto stated = changed.Stated(now);
    const auto expected = unchanged.Stated(now);
    ASSERT_THAT(stated, SizeIs(2));
    for (size_t i = 0; i < 2; ++i) {
      EXPECT_EQ(stated[i].limit, expected[i].limit);
      EXPECT_EQ(stated[i].remaining, expected[i].remaining);
      EXPECT_EQ(stated[i].reset, expected[i].reset);
    }
    EXPECT_EQ(Ask(changed, now, 301, 0)->limit, 300);
    changed.Scale(now, 0.5, false);
    EXPECT_EQ(changed.Stated(now)[0].limit, 30);
  }
}

TEST(AccountLimits, StatesWhatASecondConsumerLeavesOfTheLimitBefore) {
  AccountLimits limits({.tokens = 600, .law = LawKind::kSliding, .other_consumer_ppm = 500'000});

  limits.Scale(0, 0.5, true);

  EXPECT_EQ(RemainingTokens(limits, kMinute), 450);
  EXPECT_EQ(RemainingTokens(limits, 10 * kMinute), 450);
}

struct Request {
  Micros pause = 0;
  int64_t input = 0;
  int64_t output = 0;
  int64_t generated = 0;
};

// After some requests, each of which is over when the next one comes.
AccountLimits After(const LimitOptions& options, const std::vector<Request>& requests,
                    Micros& now) {
  AccountLimits limits(options);
  now = 0;
  for (const Request& request : requests) {
    OpenCharge charge;
    const bool refused =
        limits
            .Admit(now, {.input_tokens = request.input, .max_output_tokens = request.output},
                   charge)
            .has_value();
    now += request.pause;
    if (refused) continue;
    limits.Generate(now, charge, std::min(request.generated, request.output));
    limits.Settle(now, charge);
  }
  return limits;
}

RC_GTEST_PROP(AccountLimits, AdmitsAfterTheWaitThatItNamesAndNotBefore, ()) {
  const auto tuples =
      *rc::gen::container<std::vector<std::tuple<Micros, int64_t, int64_t, int64_t>>>(
          rc::gen::tuple(rc::gen::inRange<Micros>(0, 5 * kSecond),
                         rc::gen::inRange<int64_t>(1, 200), rc::gen::inRange<int64_t>(1, 400),
                         rc::gen::inRange<int64_t>(0, 400)));
  std::vector<Request> requests;
  for (const auto& [pause, input, output, generated] : tuples) {
    requests.push_back({pause, input, output, generated});
  }
  const auto charge_time = *rc::gen::element(ChargeTime::kAdmission, ChargeTime::kGenerated);
  const auto input = *rc::gen::inRange<int64_t>(1, 1000);
  const auto output = *rc::gen::inRange<int64_t>(1, 1000);

  for (const LawKind law : kLaws) {
    const LimitOptions options{.requests = 30,
                               .input_tokens = 1000,
                               .output_tokens = 1500,
                               .tokens = 2000,
                               .law = law,
                               .minute_phase = std::chrono::milliseconds(34'567),
                               .charge = charge_time};
    Micros now = 0;
    AccountLimits asked = After(options, requests, now);
    const auto exceeded = Ask(asked, now, input, output);
    if (!exceeded) continue;
    RC_ASSERT(exceeded->retry_after.has_value());
    const Micros fit = now + *exceeded->retry_after;
    AccountLimits before = After(options, requests, now);
    AccountLimits then = After(options, requests, now);
    RC_ASSERT(Ask(before, fit - 1, input, output).has_value());
    RC_ASSERT(!Ask(then, fit, input, output).has_value());
  }
}

RC_GTEST_PROP(AccountLimits, IsWholeAgainAfterItsResetAndNotBefore, ()) {
  const auto tuples = *rc::gen::container<std::vector<std::tuple<Micros, int64_t>>>(
      rc::gen::tuple(rc::gen::inRange<Micros>(0, 5 * kSecond), rc::gen::inRange<int64_t>(1, 200)));
  std::vector<Request> requests;
  for (const auto& [pause, input] : tuples) requests.push_back({pause, input, 1, 1});

  for (const LawKind law : {LawKind::kBucket, LawKind::kSliding}) {
    Micros now = 0;
    AccountLimits limits = After({.tokens = 2000, .law = law}, requests, now);
    const Micros reset = StateOf(limits, now, Dimension::kTokens).reset;
    if (reset > 0) RC_ASSERT(RemainingTokens(limits, now + reset - 1) < 2000);
    RC_ASSERT(RemainingTokens(limits, now + reset) == 2000);
  }
}

}  // namespace
}  // namespace penstock::providersim
