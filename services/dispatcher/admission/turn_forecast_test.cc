#include "services/dispatcher/admission/turn_forecast.h"

#include <gtest/gtest.h>

namespace penstock::dispatcher {
namespace {

TEST(TurnForecast, KnowsNothingOfACallUntilFiveHaveEnded) {
  TurnForecast forecast;

  for (int i = 0; i < 4; ++i) forecast.LearnCall("agents/a", "p/m", absl::Seconds(3));
  EXPECT_EQ(forecast.CallTime("agents/a", "p/m"), absl::ZeroDuration());
  forecast.LearnCall("agents/a", "p/m", absl::Seconds(3));
  EXPECT_EQ(forecast.CallTime("agents/a", "p/m"), absl::Seconds(3));
  EXPECT_EQ(forecast.CallTime("agents/b", "p/m"), absl::ZeroDuration());
  EXPECT_EQ(forecast.CallTime("agents/a", "p/n"), absl::ZeroDuration());
}

TEST(TurnForecast, AFewLongCallsDoNotMoveTheMedianAndManyDo) {
  TurnForecast forecast;
  for (int i = 0; i < 31; ++i) forecast.LearnCall("agents/a", "p/m", absl::Seconds(2));

  for (int i = 0; i < 15; ++i) forecast.LearnCall("agents/a", "p/m", absl::Minutes(9));
  EXPECT_EQ(forecast.CallTime("agents/a", "p/m"), absl::Seconds(2));
  forecast.LearnCall("agents/a", "p/m", absl::Minutes(9));
  EXPECT_EQ(forecast.CallTime("agents/a", "p/m"), absl::Minutes(9));
}

TEST(TurnForecast, AnswersWhatItIsGivenUntilATurnHasEnded) {
  TurnForecast forecast;
  const Amount first{.tokens = 1000, .nano_usd = 5};

  EXPECT_EQ(forecast.TurnAmount("agents/a", "p/m", first), first);
  forecast.LearnTurn("agents/a", "p/m", {.tokens = 100, .nano_usd = 40});
  EXPECT_EQ(forecast.TurnAmount("agents/a", "p/m", first), (Amount{100, 40}));
  forecast.LearnTurn("agents/a", "p/m", {.tokens = 300, .nano_usd = 80});
  EXPECT_EQ(forecast.TurnAmount("agents/a", "p/m", first), (Amount{110, 42}));
}

}  // namespace
}  // namespace penstock::dispatcher
