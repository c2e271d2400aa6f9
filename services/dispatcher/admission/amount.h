// What turns take: tokens, input and output, and money.
#pragma once

#include <cstdint>

#include "penstock/chat/v1/turn.pb.h"
#include "penstock/dispatcher/v1/journal.pb.h"

namespace penstock::dispatcher {

struct Amount {
  int64_t tokens = 0;
  int64_t nano_usd = 0;

  Amount& operator+=(const Amount& other) {
    tokens += other.tokens;
    nano_usd += other.nano_usd;
    return *this;
  }
  Amount& operator-=(const Amount& other) {
    tokens -= other.tokens;
    nano_usd -= other.nano_usd;
    return *this;
  }
  friend Amount operator+(Amount a, const Amount& b) { return a += b; }
  bool operator==(const Amount&) const = default;
};

inline Amount AmountOf(const v1::Amount& stored) { return {stored.tokens(), stored.nano_usd()}; }

inline void Store(const Amount& amount, v1::Amount& stored) {
  stored.set_tokens(amount.tokens);
  stored.set_nano_usd(amount.nano_usd);
}

// What a turn took in all; what is not known counts as nothing.
inline Amount AmountOf(const chat::v1::Turn& turn) {
  return {turn.usage().input_tokens() + turn.usage().output_tokens(), turn.cost_nano_usd()};
}

}  // namespace penstock::dispatcher
