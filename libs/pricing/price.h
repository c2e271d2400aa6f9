// What a call costs.
#pragma once

#include <cstdint>
#include <optional>

#include "penstock/chat/v1/message.pb.h"
#include "penstock/config/v1/config.pb.h"

namespace penstock::pricing {

// Nano-USD per million tokens: a price of 0.15 USD is 150,000,000.
struct Rates {
  int64_t input = 0;
  int64_t output = 0;
  int64_t cache_read = 0;
  int64_t cache_write = 0;
};

// Rounded to the nano-USD. Absent cache prices are the input's.
Rates ToRates(const config::v1::Price& price);

// (input - read - write) · input + read · cache_read + write · cache_write + output · output,
// exact, rounded half up once at the end. Nullopt when the rates or one of the totals are unknown,
// or the result does not fit. Cache reads, then writes, are clamped to the input they are part of.
std::optional<int64_t> CostNanoUsd(const std::optional<Rates>& rates, const chat::v1::Usage& usage);

}  // namespace penstock::pricing
