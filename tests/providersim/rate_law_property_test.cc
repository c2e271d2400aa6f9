// The laws over random traces, against their definitions: every charge is kept and counted anew.

#include <algorithm>
#include <functional>
#include <map>
#include <random>
#include <tuple>
#include <vector>

#include <gtest/gtest.h>
#include <rapidcheck/gtest.h>

#include "tests/providersim/bucket_law.h"
#include "tests/providersim/minute_law.h"
#include "tests/providersim/sliding_law.h"

namespace penstock::providersim {
namespace {

constexpr Micros kPhase = 12'345'678;

struct Refunded {
  Micros time = 0;
  // Place in the trace.
  size_t place = 0;
  Amount amount = 0;
};

struct Charged {
  Micros time = 0;
  size_t place = 0;
  Amount amount = 0;
  ChargeId id = 0;
  std::vector<Refunded> refunds = {};
};

using Charges = std::vector<Charged>;

// The level at `time` is the least that any stretch of time up to then allows: the allowance and
// its refill, less what was charged in it.
struct BucketDefinition {
  static constexpr bool kMayChangeAllowance = false;

  static Amount RoomAt(const Charges& charges, int64_t per_minute, Micros time) {
    std::map<size_t, std::pair<Micros, Amount>, std::greater<>> newest_first;
    for (const Charged& charge : charges) {
      newest_first[charge.place] = {charge.time, charge.amount};
      for (const Refunded& refund : charge.refunds) {
        newest_first[refund.place] = {refund.time, -refund.amount};
      }
    }
    Amount used = 0;
    Amount charged = 0;
    for (const auto& [place, change] : newest_first) {
      charged += change.second;
      used = std::max(used, charged - (time - change.first) * per_minute);
    }
    return per_minute * kToken - used;
  }
  static bool Lapsed(const Charged&, Micros) { return false; }
};

struct SlidingDefinition {
  static constexpr bool kMayChangeAllowance = true;

  static Amount RoomAt(const Charges& charges, int64_t per_minute, Micros time) {
    Amount used = 0;
    for (const Charged& charge : charges) {
      if (charge.time <= time - kMinute) continue;
      used += charge.amount;
      for (const Refunded& refund : charge.refunds) used -= refund.amount;
    }
    return per_minute * kToken - used;
  }
  static bool Lapsed(const Charged& charge, Micros time) { return charge.time <= time - kMinute; }
};

struct MinuteDefinition {
  static constexpr bool kMayChangeAllowance = true;

  // Of the minute that began last before `time`.
  static Micros StartAt(Micros time) {
    Micros start = kPhase - kMinute;
    while (start + kMinute <= time) start += kMinute;
    return start;
  }
  static Amount RoomAt(const Charges& charges, int64_t per_minute, Micros time) {
    const Micros start = StartAt(time);
    Amount room = 0;
    for (Micros slice = start; slice <= time; slice += kSecond) room += per_minute * kSecond;
    for (const Charged& charge : charges) {
      if (charge.time < start || charge.time >= start + kMinute) continue;
      room -= charge.amount;
      for (const Refunded& refund : charge.refunds) room += refund.amount;
    }
    return room;
  }
  static bool Lapsed(const Charged& charge, Micros time) {
    return StartAt(charge.time) != StartAt(time);
  }
};

struct Step {
  // 0: refund; 1: charge whatever the room is; 2: change the allowance; else: charge what fits.
  int action = 0;
  Micros pause = 0;
  int64_t thousandths = 0;
  size_t which = 0;
};

// A law and its definition, side by side.
template <typename Law, typename Definition>
class Pair {
 public:
  Pair(Law law, int64_t per_minute) : law_(std::move(law)), per_minute_(per_minute) {}

  // False: they differ.
  bool Take(const Step& step) {
    now_ += step.pause;
    ++place_;
    law_.AdvanceTo(now_);
    const Amount amount = per_minute_ * kToken / 1000 * step.thousandths;
    if (step.action == 0) return Refund(step) && SameRoom();
    if (step.action == 2 && Definition::kMayChangeAllowance) {
      per_minute_ = 1 + step.thousandths;
      law_.SetAllowance(per_minute_);
    } else if (step.action == 1 || law_.Room() >= amount) {
      charges_.push_back(
          {.time = now_, .place = place_, .amount = amount, .id = law_.Charge(amount)});
    }
    return SameRoom();
  }

  // The answer of FirstFit fits, what lies `step` microseconds before it does not, back to `from`.
  bool FitsFirst(Micros from, int64_t thousandths, Micros step) const {
    const Amount amount = per_minute_ * kToken / 1000 * thousandths;
    const Micros fit = law_.FirstFit(from, amount);
    if (fit < from || RoomAt(fit) < amount) return false;
    if (fit > from && RoomAt(fit - 1) >= amount) return false;
    for (Micros time = from; time < fit; time += step) {
      if (RoomAt(time) >= amount) return false;
    }
    return true;
  }

  Micros now() const { return now_; }

 private:
  Amount RoomAt(Micros time) const { return Definition::RoomAt(charges_, per_minute_, time); }
  bool SameRoom() const { return law_.Room() == RoomAt(now_); }

  bool Refund(const Step& step) {
    if (charges_.empty()) return true;
    Charged& charge = charges_[step.which % charges_.size()];
    Amount left = charge.amount;
    for (const Refunded& refund : charge.refunds) left -= refund.amount;
    const Amount amount = left / 1000 * step.thousandths;
    const bool lapsed = Definition::Lapsed(charge, now_);
    if (!lapsed) charge.refunds.push_back({.time = now_, .place = place_, .amount = amount});
    return law_.Refund(charge.id, amount) == !lapsed;
  }

  Law law_;
  int64_t per_minute_;
  Charges charges_;
  Micros now_ = 0;
  size_t place_ = 0;
};

rc::Gen<Micros> Pauses() {
  return rc::gen::weightedOneOf<Micros>({{4, rc::gen::just<Micros>(0)},
                                         {8, rc::gen::inRange<Micros>(1, 300'000)},
                                         {4, rc::gen::inRange<Micros>(1, 5 * kSecond)},
                                         {1, rc::gen::inRange<Micros>(1, 2 * kMinute)}});
}

template <typename Law, typename Definition>
void Compare(Law law, int64_t per_minute) {
  Pair<Law, Definition> pair(std::move(law), per_minute);
  const auto steps = *rc::gen::container<std::vector<std::tuple<int, Micros, int64_t, size_t>>>(
      rc::gen::tuple(rc::gen::inRange(0, 8), Pauses(), rc::gen::inRange<int64_t>(0, 1001),
                     rc::gen::inRange<size_t>(0, 1000)));
  for (const auto& [action, pause, thousandths, which] : steps) {
    RC_ASSERT(pair.Take({action, pause, thousandths, which}));
  }
  const Micros from = pair.now() + *Pauses();
  for (const int64_t thousandths :
       {int64_t{1}, *rc::gen::inRange<int64_t>(0, 1001), int64_t{1000}}) {
    RC_ASSERT(pair.FitsFirst(from, thousandths, kSecond / 3));
  }
}

RC_GTEST_PROP(BucketLaw, AgreesWithItsDefinition, ()) {
  const auto per_minute = *rc::gen::inRange<int64_t>(1, 100'000);
  Compare<BucketLaw, BucketDefinition>(BucketLaw(per_minute), per_minute);
}

RC_GTEST_PROP(SlidingLaw, AgreesWithItsDefinition, ()) {
  const auto per_minute = *rc::gen::inRange<int64_t>(1, 100'000);
  Compare<SlidingLaw, SlidingDefinition>(SlidingLaw(per_minute), per_minute);
}

RC_GTEST_PROP(MinuteLaw, AgreesWithItsDefinition, ()) {
  const auto per_minute = *rc::gen::inRange<int64_t>(1, 100'000);
  Compare<MinuteLaw, MinuteDefinition>(MinuteLaw(per_minute, kPhase), per_minute);
}

// Long enough for the ring of charges to grow and to be gone round many times.
TEST(SlidingLaw, AgreesWithItsDefinitionOverThousandsOfCharges) {
  std::mt19937_64 random(1);
  Pair<SlidingLaw, SlidingDefinition> pair(SlidingLaw(1'000'000), 1'000'000);

  for (int i = 0; i < 3'000; ++i) {
    const auto pause = static_cast<Micros>(random() % (i % 1000 < 700 ? 100'000 : 1'000'000));
    ASSERT_TRUE(pair.Take({.action = random() % 4 == 0 ? 0 : 3,
                           .pause = pause,
                           .thousandths = static_cast<int64_t>(random() % 3),
                           .which = random()}))
        << i;
    ASSERT_TRUE(pair.FitsFirst(pair.now(), static_cast<int64_t>(random() % 1001), kMinute)) << i;
  }
}

}  // namespace
}  // namespace penstock::providersim
