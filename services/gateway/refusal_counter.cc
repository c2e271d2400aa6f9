#include "services/gateway/refusal_counter.h"

#include <string>

#include "libs/base/refusal.h"
#include "services/gateway/public_reasons.h"

namespace penstock::gateway {
namespace {

constexpr absl::string_view kInternal = "INTERNAL";
constexpr absl::string_view kOther = "OTHER";

}  // namespace

RefusalCounter::RefusalCounter(obs::Metrics& metrics) {
  const auto add = [&](absl::string_view reason) {
    by_reason_[reason] = &metrics.AddCounter("penstock_gateway_refusals_total",
                                             "Public calls that were refused or broke, by reason.",
                                             {{"reason", std::string(reason)}});
  };
  for (const absl::string_view reason : kPublicReasons) add(reason);
  add(kInternal);
  add(kOther);
}

void RefusalCounter::Count(const absl::Status& status) const {
  if (status.ok() || absl::IsCancelled(status)) return;
  const std::string reason = ReasonOf(status);
  auto found = by_reason_.find(reason);
  if (found == by_reason_.end()) {
    found = by_reason_.find(absl::IsInternal(status) ? kInternal : kOther);
  }
  found->second->Increment();
}

}  // namespace penstock::gateway
