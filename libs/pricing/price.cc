#include "libs/pricing/price.h"

#include <algorithm>
#include <cmath>
#include <limits>

namespace penstock::pricing {
namespace {

__extension__ using Int128 = __int128;

constexpr double kNanosPerDollar = 1e9;
constexpr int64_t kTokensPerRate = 1'000'000;

int64_t ToRate(double dollars) {
  const double nanos = std::round(dollars * kNanosPerDollar);
  // The largest double below 2^63.
  return nanos >= 9.2233720368547748e18 ? std::numeric_limits<int64_t>::max()
                                        : static_cast<int64_t>(nanos);
}

}  // namespace

Rates ToRates(const config::v1::Price& price) {
  const int64_t input = ToRate(price.input());
  return {.input = input,
          .output = ToRate(price.output()),
          .cache_read = price.has_cache_read() ? ToRate(price.cache_read()) : input,
          .cache_write = price.has_cache_write() ? ToRate(price.cache_write()) : input};
}

std::optional<int64_t> CostNanoUsd(const std::optional<Rates>& rates,
                                   const chat::v1::Usage& usage) {
  if (!rates || !usage.has_input_tokens() || !usage.has_output_tokens()) return std::nullopt;
  if (usage.input_tokens() < 0 || usage.output_tokens() < 0) return std::nullopt;
  const int64_t read =
      std::clamp<int64_t>(usage.cache_read_input_tokens(), 0, usage.input_tokens());
  const int64_t write =
      std::clamp<int64_t>(usage.cache_write_input_tokens(), 0, usage.input_tokens() - read);
  const int64_t plain = usage.input_tokens() - read - write;
  const Int128 sum = Int128{plain} * rates->input + Int128{read} * rates->cache_read +
                     Int128{write} * rates->cache_write +
                     Int128{usage.output_tokens()} * rates->output;
  const Int128 nanos = (sum + kTokensPerRate / 2) / kTokensPerRate;
  if (nanos > std::numeric_limits<int64_t>::max()) return std::nullopt;
  return static_cast<int64_t>(nanos);
}

}  // namespace penstock::pricing
