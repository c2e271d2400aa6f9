#include "services/dispatcher/scaling/adapter_gate.h"

#include <algorithm>

namespace penstock::dispatcher {
namespace {

// Longer than an adapter takes to refuse a call.
constexpr absl::Duration kRound = absl::Milliseconds(20);
// A refusal costs nearly nothing, so a new adapter is found soon.
constexpr absl::Duration kMaxDelay = absl::Milliseconds(250);
constexpr int64_t kMaxRound = 1 << 20;

}  // namespace

absl::Duration AdapterGate::Wait(absl::Duration now) {
  if (closed_ && offered_ > 0 && now - offered_at_ >= kMaxDelay) closed_ = false;
  if (!closed_ || offered_ > 0) return absl::ZeroDuration();
  if (now < next_round_) return next_round_ - now;
  if (round_begun_) round_ = std::min(2 * round_, kMaxRound);
  round_begun_ = true;
  next_round_ = now + kRound;
  Offer(round_, now);
  return absl::ZeroDuration();
}

void AdapterGate::OnPermit(PermitId permit) {
  last_permit_ = permit;
  if (closed_) --offered_;
}

void AdapterGate::OnNotTaken(PermitId permit, absl::Duration now) {
  if (closed_ && permit < counted_from_) return;
  if (!closed_) delay_ = kRound;
  closed_ = true;
  offered_ = 0;
  round_ = 1;
  round_begun_ = false;
  next_round_ = now + delay_;
  delay_ = std::min(2 * delay_, kMaxDelay);
  counted_from_ = last_permit_ + 1;
}

void AdapterGate::OnEnd(absl::Duration now) {
  if (closed_) Offer(1, now);
}

void AdapterGate::Offer(int64_t permits, absl::Duration now) {
  if (offered_ == 0) offered_at_ = now;
  offered_ += permits;
}

}  // namespace penstock::dispatcher
