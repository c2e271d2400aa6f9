// Counts the submissions that are not taken.
#pragma once

#include <cstdint>
#include <map>
#include <utility>

#include "libs/obs/metrics.h"
#include "penstock/chat/v1/turn.pb.h"

#include "absl/status/status.h"
#include "absl/strings/string_view.h"

namespace penstock::dispatcher {

// penstock_dispatcher_refused_total{reason, class}. Thread-safe.
class RefusalCounter {
 public:
  explicit RefusalCounter(obs::Metrics& metrics);

  // `turn_class`: what the turn would have waited in. OK is no refusal; a status without a reason
  // of admission counts as OTHER.
  void Count(const absl::Status& status, chat::v1::TurnClass turn_class) const;
  // So many that were QUEUE_FULL.
  void CountFull(chat::v1::TurnClass turn_class, int64_t times) const;

 private:
  std::map<std::pair<absl::string_view, chat::v1::TurnClass>, prometheus::Counter*> counters_;
};

}  // namespace penstock::dispatcher
