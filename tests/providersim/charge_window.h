// The charges of the last minute, in the order of their times, and sums of the oldest of them.
#pragma once

#include <cstdint>
#include <vector>

#include "tests/providersim/rate_law.h"

namespace penstock::providersim {

// A Fenwick tree over a ring: every call is O(log n), Append amortised. Not thread-safe.
class ChargeWindow {
 public:
  ChargeWindow() { Resize(64); }

  // `time` is not before that of the last one; charges of one time are one charge. Its number.
  int64_t Append(Micros time, Amount amount);
  bool Holds(int64_t number) const { return number >= first_ && number < end_; }
  // `number` is held.
  void Reduce(int64_t number, Amount amount);
  // Drops what was charged at `time` or before.
  void DropUntil(Micros time);
  Amount sum() const { return sum_; }
  // When that one was charged with which the oldest come to `amount`, which is above 0 and at most
  // sum().
  Micros TimeOf(Amount amount) const;

 private:
  struct Charge {
    Micros time = 0;
    Amount amount = 0;
  };

  size_t SlotOf(int64_t number) const { return static_cast<size_t>(number) & (ring_.size() - 1); }
  void Resize(size_t slots);
  void Add(size_t slot, Amount amount);
  // Of all slots before `slot`.
  Amount SumBefore(size_t slot) const;

  // A power of two; the numbers first_ to before end_ are in use, the other slots 0.
  std::vector<Charge> ring_;
  // tree_[i]: sum of the i & -i slots before slot i.
  std::vector<Amount> tree_;
  int64_t first_ = 0;
  int64_t end_ = 0;
  Amount sum_ = 0;
};

}  // namespace penstock::providersim
