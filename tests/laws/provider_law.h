// How providers count tokens: all that a call may take when it comes, less what it did not take
// when it ends. Written down without thought of speed, and without any code of the limiter's: its
// judge.
#pragma once

#include <algorithm>
#include <cmath>
#include <deque>
#include <map>
#include <memory>

#include "absl/strings/string_view.h"
#include "absl/time/time.h"

namespace penstock::laws {

// Of one call, when it comes.
struct Demand {
  double amount = 0;
  // Of it, what may come back.
  double refundable = 0;
};

class ProviderLaw {
 public:
  virtual ~ProviderLaw() = default;
  // Charges the call, unless it is refused.
  virtual bool Admit(int call, const Demand& demand, absl::Duration now) = 0;
  // A call that was admitted did not take so much.
  virtual void End(int call, double refund, absl::Duration now) = 0;
  // What it tells: until its allowance is whole again.
  virtual absl::Duration Reset(absl::Duration /*now*/) const { return absl::ZeroDuration(); }
};

// A bucket that holds a minute's worth and is refilled steadily. Room for what may come back is
// kept free, so that no refund is lost.
class RefilledBucket : public ProviderLaw {
 public:
  explicit RefilledBucket(double per_minute) : per_minute_(per_minute), level_(per_minute) {}

  bool Admit(int call, const Demand& demand, absl::Duration now) override {
    Refill(now);
    if (level_ < demand.amount) return false;
    level_ -= demand.amount;
    open_ += demand.refundable;
    refundable_of_[call] = demand.refundable;
    return true;
  }
  void End(int call, double refund, absl::Duration now) override {
    Refill(now);
    open_ -= refundable_of_[call];
    refundable_of_.erase(call);
    level_ += refund;
  }

 private:
  void Refill(absl::Duration now) {
    const double refilled = per_minute_ * absl::FDivDuration(now - at_, absl::Minutes(1));
    level_ = std::min(std::max(level_, per_minute_ - open_), level_ + refilled);
    at_ = now;
  }

  const double per_minute_;
  double level_;
  double open_ = 0;
  std::map<int, double> refundable_of_;
  absl::Duration at_ = absl::ZeroDuration();
};

// What was taken in the last 60 s.
class LastMinute : public ProviderLaw {
 public:
  explicit LastMinute(double per_minute) : per_minute_(per_minute) {}

  bool Admit(int call, const Demand& demand, absl::Duration now) override {
    while (!charges_.empty() && charges_.front().at <= now - absl::Minutes(1)) {
      taken_ -= charges_.front().amount;
      charges_.pop_front();
    }
    if (taken_ + demand.amount > per_minute_) return false;
    taken_ += demand.amount;
    charges_.push_back({call, demand.amount, now});
    return true;
  }
  void End(int call, double refund, absl::Duration) override {
    for (Taken& taken : charges_) {
      if (taken.call != call) continue;
      taken.amount -= refund;
      taken_ -= refund;
    }
  }

 private:
  struct Taken {
    int call;
    double amount;
    absl::Duration at;
  };

  const double per_minute_;
  std::deque<Taken> charges_;
  double taken_ = 0;
};

// Minutes of its own, each released in 60 slices; what one does not use lapses with it.
class FixedMinutes : public ProviderLaw {
 public:
  // A minute began at the time zero.
  explicit FixedMinutes(double per_minute) : per_minute_(per_minute) {}

  bool Admit(int call, const Demand& demand, absl::Duration now) override {
    Roll(now);
    const double slices = std::floor(absl::FDivDuration(now - begin_, absl::Seconds(1))) + 1;
    if (used_ + demand.amount > per_minute_ * slices / 60) return false;
    used_ += demand.amount;
    minute_of_[call] = begin_;
    return true;
  }
  void End(int call, double refund, absl::Duration now) override {
    Roll(now);
    if (minute_of_[call] == begin_) used_ -= refund;
    minute_of_.erase(call);
  }
  absl::Duration Reset(absl::Duration now) const override {
    return absl::Minutes(1) - now % absl::Minutes(1);
  }

 private:
  void Roll(absl::Duration now) {
    const absl::Duration begin = now - now % absl::Minutes(1);
    if (begin == begin_) return;
    begin_ = begin;
    used_ = 0;
  }

  const double per_minute_;
  absl::Duration begin_ = -absl::Minutes(1);
  double used_ = 0;
  std::map<int, absl::Duration> minute_of_;
};

// `renewal`: REFILLED, SLIDING or FIXED, as the configuration names them.
inline std::unique_ptr<ProviderLaw> LawOf(absl::string_view renewal, double per_minute) {
  if (renewal == "SLIDING") return std::make_unique<LastMinute>(per_minute);
  if (renewal == "FIXED") return std::make_unique<FixedMinutes>(per_minute);
  return std::make_unique<RefilledBucket>(per_minute);
}

}  // namespace penstock::laws
