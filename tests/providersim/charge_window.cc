#include "tests/providersim/charge_window.h"

#include <utility>

namespace penstock::providersim {

int64_t ChargeWindow::Append(Micros time, Amount amount) {
  if (end_ == first_ || ring_[SlotOf(end_ - 1)].time != time) {
    if (static_cast<size_t>(end_ - first_) == ring_.size()) Resize(2 * ring_.size());
    ring_[SlotOf(end_++)].time = time;
  }
  Add(SlotOf(end_ - 1), amount);
  return end_ - 1;
}

void ChargeWindow::Reduce(int64_t number, Amount amount) { Add(SlotOf(number), -amount); }

void ChargeWindow::DropUntil(Micros time) {
  for (; first_ < end_ && ring_[SlotOf(first_)].time <= time; ++first_) {
    Add(SlotOf(first_), -ring_[SlotOf(first_)].amount);
  }
}

Micros ChargeWindow::TimeOf(Amount amount) const {
  // The oldest are those from first_ to the end of the ring, then those at its start.
  const Amount newest = SumBefore(SlotOf(first_));
  const Amount to_end = sum_ - newest;
  Amount left = amount <= to_end ? newest + amount : amount - to_end;
  size_t slot = 0;
  for (size_t step = ring_.size(); step > 0; step /= 2) {
    if (slot + step <= ring_.size() && tree_[slot + step] < left) {
      slot += step;
      left -= tree_[slot];
    }
  }
  return ring_[slot].time;
}

void ChargeWindow::Resize(size_t slots) {
  const std::vector<Charge> charges = std::exchange(ring_, std::vector<Charge>(slots));
  tree_.assign(slots + 1, 0);
  sum_ = 0;
  for (int64_t number = first_; number < end_; ++number) {
    const Charge& charge = charges[static_cast<size_t>(number) & (charges.size() - 1)];
    ring_[SlotOf(number)].time = charge.time;
    Add(SlotOf(number), charge.amount);
  }
}

void ChargeWindow::Add(size_t slot, Amount amount) {
  ring_[slot].amount += amount;
  sum_ += amount;
  for (size_t i = slot + 1; i < tree_.size(); i += i & -i) tree_[i] += amount;
}

Amount ChargeWindow::SumBefore(size_t slot) const {
  Amount sum = 0;
  for (size_t i = slot; i > 0; i -= i & -i) sum += tree_[i];
  return sum;
}

}  // namespace penstock::providersim
