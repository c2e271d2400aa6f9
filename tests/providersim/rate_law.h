// A law by which a provider limits one thing, requests or tokens, of one account.
#pragma once

#include <cstdint>
#include <memory>

namespace penstock::providersim {

// A time since the process started, or a duration.
using Micros = int64_t;
inline constexpr Micros kSecond = 1'000'000;
inline constexpr Micros kMinute = 60 * kSecond;

// 60,000,000ths of a token or request: N of them a minute are N Amounts a microsecond, so every law
// counts in whole numbers. Up to 10^10 a minute.
using Amount = int64_t;
inline constexpr Amount kToken = kMinute;

// Which charge a refund is for.
using ChargeId = int64_t;

// One state at one time, at first 0. Not thread-safe.
class RateLaw {
 public:
  virtual ~RateLaw() = default;
  virtual std::unique_ptr<RateLaw> Clone() const = 0;

  // `now` never goes back. Everything below speaks of the latest.
  virtual void AdvanceTo(Micros now) = 0;
  // What fits; below 0 when more was charged than there was room for.
  virtual Amount Room() const = 0;
  // The first time, not before `from`, at which `amount` fits if nothing else is charged. `from` is
  // now or later, `amount` at most the allowance.
  virtual Micros FirstFit(Micros from, Amount amount) const = 0;
  // When `allowance` is whole again if nothing else is charged, or begins anew: what is told as the
  // reset.
  virtual Micros Renewed(Amount allowance) const = 0;
  // Also without room.
  virtual ChargeId Charge(Amount amount) = 0;
  // Gives back a part of what `charge` still stands for. False when that has lapsed: nothing
  // changes.
  virtual bool Refund(ChargeId charge, Amount amount) = 0;
  // In tokens or requests, from now on. What was charged stands.
  virtual void SetAllowance(int64_t per_minute) = 0;
};

// For `dividend` >= 0.
constexpr int64_t DivideUp(int64_t dividend, int64_t divisor) {
  return (dividend + divisor - 1) / divisor;
}

}  // namespace penstock::providersim
