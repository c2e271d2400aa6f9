#include "tests/providersim/limited_dimension.h"

#include <algorithm>
#include <cmath>

#include "tests/providersim/bucket_law.h"
#include "tests/providersim/minute_law.h"
#include "tests/providersim/sliding_law.h"

namespace penstock::providersim {
namespace {

constexpr Micros kDrawEvery = kSecond / 10;

std::unique_ptr<RateLaw> MakeLaw(int64_t per_minute, const LimitOptions& options) {
  switch (options.law) {
    case LawKind::kBucket:
      return std::make_unique<BucketLaw>(per_minute);
    case LawKind::kSliding:
      return std::make_unique<SlidingLaw>(per_minute);
    case LawKind::kMinute:
      return std::make_unique<MinuteLaw>(per_minute, options.minute_phase.count() * 1000);
  }
  return nullptr;
}

int64_t WholeTokens(Amount amount) { return std::max<Amount>(0, amount) / kToken; }

}  // namespace

LimitedDimension::LimitedDimension(Dimension dimension, int64_t per_minute, double factor,
                                   const LimitOptions& options)
    : dimension_(dimension),
      per_minute_(per_minute),
      other_consumer_ppm_(options.other_consumer_ppm),
      limit_(LimitBy(factor)),
      law_(MakeLaw(limit_, options)),
      stated_limit_(limit_),
      next_draw_(other_consumer_ppm_ > 0 ? kDrawEvery : INT64_MAX) {}

int64_t LimitedDimension::LimitBy(double factor) const {
  return std::max<int64_t>(1, std::llround(static_cast<double>(per_minute_) * factor));
}

int64_t LimitedDimension::remaining() const { return WholeTokens(law_->Room()); }

void LimitedDimension::AdvanceTo(Micros now) {
  for (; next_draw_ <= now; next_draw_ += kDrawEvery) {
    law_->AdvanceTo(next_draw_);
    if (stated_law_ != nullptr) stated_law_->AdvanceTo(next_draw_);
    // What the law allows in a microsecond is limit_ Amounts.
    Draw(limit_ * (kDrawEvery / 100) * other_consumer_ppm_ / 10'000);
  }
  law_->AdvanceTo(now);
  if (stated_law_ != nullptr) stated_law_->AdvanceTo(now);
  now_ = now;
}

void LimitedDimension::Draw(Amount amount) {
  const Amount drawn = std::min(amount, law_->Room());
  if (drawn <= 0) return;
  law_->Charge(drawn);
  if (stated_law_ != nullptr) stated_law_->Charge(drawn);
}

Micros LimitedDimension::FirstFit(Micros from, int64_t count) const {
  return law_->FirstFit(from, count * kToken);
}

ChargeId LimitedDimension::Charge(int64_t count) {
  if (stated_law_ != nullptr) stated_law_->Charge(count * kToken);
  return law_->Charge(count * kToken);
}

bool LimitedDimension::Refund(ChargeId charge, int64_t count) {
  if (stated_law_ != nullptr) stated_law_->Refund(charge, count * kToken);
  return law_->Refund(charge, count * kToken);
}

void LimitedDimension::Scale(double factor, bool silent) {
  if (silent && stated_law_ == nullptr) stated_law_ = law_->Clone();
  limit_ = LimitBy(factor);
  law_->SetAllowance(limit_);
  if (silent) return;
  stated_law_.reset();
  stated_limit_ = limit_;
}

LimitState LimitedDimension::Stated() const {
  const RateLaw& law = stated_law_ == nullptr ? *law_ : *stated_law_;
  return {.dimension = dimension_,
          .limit = stated_limit_,
          .remaining = WholeTokens(law.Room()),
          .reset = law.Renewed(stated_limit_ * kToken) - now_};
}

}  // namespace penstock::providersim
