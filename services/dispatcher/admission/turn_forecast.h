// What turns of an agent with a model are expected to take, learnt from those that have ended.
#pragma once

#include <array>
#include <cstdint>
#include <string>
#include <utility>

#include "libs/base/mutex.h"
#include "services/dispatcher/admission/amount.h"

#include "absl/container/flat_hash_map.h"
#include "absl/strings/string_view.h"
#include "absl/time/time.h"

namespace penstock::dispatcher {

// Empty at every start. Thread-safe.
class TurnForecast {
 public:
  // A call has ended with an answer.
  void LearnCall(absl::string_view agent, absl::string_view model, absl::Duration took);
  // The median of the last 31 calls, for which outliers are none; zero until 5 are known.
  absl::Duration CallTime(absl::string_view agent, absl::string_view model) const;

  // A turn has succeeded.
  void LearnTurn(absl::string_view agent, absl::string_view model, const Amount& took);
  // The exponential mean over about 20 turns, or `first` while there is none.
  Amount TurnAmount(absl::string_view agent, absl::string_view model, const Amount& first) const;

 private:
  static constexpr size_t kCalls = 31;
  struct Known {
    std::array<absl::Duration, kCalls> calls;
    // Ever; the last of them lies at calls[(call_count - 1) % kCalls].
    size_t call_count = 0;
    absl::Duration median = absl::ZeroDuration();
    bool any_turn = false;
    double tokens = 0;
    double nano_usd = 0;
  };
  using Key = std::pair<std::string, std::string>;

  mutable Mutex mutex_;
  absl::flat_hash_map<Key, Known> known_ ABSL_GUARDED_BY(mutex_);
};

}  // namespace penstock::dispatcher
