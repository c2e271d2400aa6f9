// Chance, given to whoever needs it: the simulator runs everything from a seed.
#pragma once

#include <cstdint>

namespace penstock {

// Thread-safe.
class Random {
 public:
  virtual ~Random() = default;

  // 64 random bits.
  virtual uint64_t Next() = 0;

  // In [0, 1).
  double Fraction() { return static_cast<double>(Next() >> 11) * 0x1p-53; }
};

// The system's secure source. Never destroyed.
Random& SystemRandom();

}  // namespace penstock
