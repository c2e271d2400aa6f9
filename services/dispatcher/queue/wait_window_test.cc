#include "services/dispatcher/queue/wait_window.h"

#include <algorithm>
#include <random>
#include <vector>

#include <gtest/gtest.h>

namespace penstock::dispatcher {
namespace {

constexpr absl::Duration kStart = absl::Seconds(1000);

TEST(WaitWindow, SaysNothingUntilSomebodyHasStarted) {
  WaitWindow window;

  EXPECT_EQ(window.Quantile(0.5, kStart), std::nullopt);
}

TEST(WaitWindow, RoundsUpByAtMostNinePercent) {
  std::mt19937_64 random(3);
  std::lognormal_distribution<double> seconds(0, 3);
  std::vector<absl::Duration> waits;
  WaitWindow window;
  for (int i = 0; i < 1000; ++i) {
    waits.push_back(std::max(absl::Milliseconds(1), absl::Seconds(seconds(random))));
    window.Add(waits.back(), kStart);
  }
  std::sort(waits.begin(), waits.end());

  for (const double part : {0.01, 0.5, 0.9, 0.99}) {
    const absl::Duration exact = waits[static_cast<size_t>(part * 1000) - 1];
    const absl::Duration found = window.Quantile(part, kStart).value();
    EXPECT_GE(found, exact * 0.9999) << part;
    EXPECT_LE(found, exact * 1.0906) << part;
  }
}

TEST(WaitWindow, TakesTheShortestAndTheLongestWaits) {
  WaitWindow window;
  window.Add(absl::ZeroDuration(), kStart);
  EXPECT_EQ(window.Quantile(1, kStart), absl::Milliseconds(1));

  window.Add(absl::Hours(1000), kStart);
  EXPECT_EQ(window.Quantile(0, kStart), absl::Milliseconds(1));
  EXPECT_GT(window.Quantile(1, kStart), absl::Hours(37));
}

TEST(WaitWindow, ForgetsWhatIsOlderThanAMinute) {
  WaitWindow window;
  window.Add(absl::Seconds(100), kStart);
  window.Add(absl::Seconds(1), kStart + absl::Seconds(30));

  EXPECT_GT(window.Quantile(1, kStart + absl::Seconds(54)), absl::Seconds(99));
  EXPECT_LT(window.Quantile(1, kStart + absl::Seconds(60)), absl::Seconds(2));
  EXPECT_EQ(window.Quantile(1, kStart + absl::Seconds(90)), std::nullopt);
  window.Add(absl::Seconds(1), kStart + absl::Hours(9));
  EXPECT_NE(window.Quantile(1, kStart + absl::Hours(9)), std::nullopt);
}

}  // namespace
}  // namespace penstock::dispatcher
