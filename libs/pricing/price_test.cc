#include "libs/pricing/price.h"

#include <limits>

#include <gtest/gtest.h>

namespace penstock::pricing {
namespace {

Rates Dollars(double input, double output) {
  config::v1::Price price;
  price.set_input(input);
  price.set_output(output);
  return ToRates(price);
}

chat::v1::Usage Tokens(int64_t input, int64_t output) {
  chat::v1::Usage usage;
  usage.set_input_tokens(input);
  usage.set_output_tokens(output);
  return usage;
}

TEST(Price, IsExactInNanoDollars) {
  // 1,000 × 0.15 $/M + 50 × 0.60 $/M = 150,000 + 30,000 nano-USD.
  EXPECT_EQ(CostNanoUsd(Dollars(0.15, 0.60), Tokens(1000, 50)), 180'000);
  EXPECT_EQ(CostNanoUsd(Dollars(0.1, 0.1), Tokens(3, 0)), 300);
  EXPECT_EQ(CostNanoUsd(Dollars(0, 0), Tokens(1000, 50)), 0);
}

TEST(Price, RoundsHalfUpOnceAtTheEnd) {
  // 1 token at 0.0005 $/M is half a nano-USD.
  EXPECT_EQ(CostNanoUsd(Dollars(0.0005, 0), Tokens(1, 0)), 1);
  EXPECT_EQ(CostNanoUsd(Dollars(0.000499999, 0), Tokens(1, 0)), 0);
  EXPECT_EQ(CostNanoUsd(Dollars(0.0004, 0.0004), Tokens(1, 1)), 1);
}

TEST(Price, OfCachesIsTheirOwnOrTheInputs) {
  config::v1::Price price;
  price.set_input(2);
  price.set_output(10);
  chat::v1::Usage usage = Tokens(1000, 0);
  usage.set_cache_read_input_tokens(600);
  usage.set_cache_write_input_tokens(100);
  EXPECT_EQ(CostNanoUsd(ToRates(price), usage), 1000 * 2000);

  price.set_cache_read(0.2);
  price.set_cache_write(2.5);
  EXPECT_EQ(CostNanoUsd(ToRates(price), usage), 300 * 2000 + 600 * 200 + 100 * 2500);
}

TEST(Price, ClampsCachesToTheInputTheyArePartOf) {
  config::v1::Price price;
  price.set_input(2);
  price.set_output(0);
  price.set_cache_read(1);
  price.set_cache_write(4);
  chat::v1::Usage usage = Tokens(100, 0);
  usage.set_cache_read_input_tokens(80);
  usage.set_cache_write_input_tokens(50);
  EXPECT_EQ(CostNanoUsd(ToRates(price), usage), 80 * 1000 + 20 * 4000);

  usage.set_cache_read_input_tokens(500);
  EXPECT_EQ(CostNanoUsd(ToRates(price), usage), 100 * 1000);
}

TEST(Price, OfTheUnknownIsUnknown) {
  chat::v1::Usage only_input;
  only_input.set_input_tokens(1);
  chat::v1::Usage only_output;
  only_output.set_output_tokens(1);

  EXPECT_EQ(CostNanoUsd(std::nullopt, Tokens(1, 1)), std::nullopt);
  EXPECT_EQ(CostNanoUsd(Dollars(1, 1), only_input), std::nullopt);
  EXPECT_EQ(CostNanoUsd(Dollars(1, 1), only_output), std::nullopt);
  EXPECT_EQ(CostNanoUsd(Dollars(1, 1), Tokens(-1, 1)), std::nullopt);
}

TEST(Price, ThatDoesNotFitIsUnknown) {
  constexpr int64_t kMax = std::numeric_limits<int64_t>::max();

  EXPECT_EQ(CostNanoUsd(Dollars(1e30, 1e30), Tokens(kMax, kMax)), std::nullopt);
  EXPECT_EQ(CostNanoUsd(Dollars(1000, 1000), Tokens(kMax / 1'000'000, 0)),
            kMax / 1'000'000 * 1'000'000);
}

}  // namespace
}  // namespace penstock::pricing
