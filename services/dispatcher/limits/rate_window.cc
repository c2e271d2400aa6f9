#include "services/dispatcher/limits/rate_window.h"

namespace penstock::dispatcher {

void RateWindow::Lower(double available, absl::Duration now) {
  const double surplus = Available(now) - available;
  if (surplus > 0) TakenByOthers(surplus, now);
}

void RateWindow::TakenByOthers(double amount, absl::Duration now) {
  Take({.amount = amount, .refundable = 0, .at = now});
}

}  // namespace penstock::dispatcher
