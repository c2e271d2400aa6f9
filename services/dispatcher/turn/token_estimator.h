// How a model counts tokens, learnt from what it reports.
#pragma once

#include <cstdint>
#include <string>

#include "libs/base/mutex.h"

#include "absl/container/flat_hash_map.h"
#include "absl/strings/string_view.h"

namespace penstock::dispatcher {

// The factor by which a model's own count differs from RawTokens (libs/tokens), learnt from the
// usage it reports: an exponentially weighted mean (weight 0.1 for the newest, the first counts
// whole) of reported / raw, each ratio held within 0.5 to 3. 1 for a model that has reported
// nothing. Thread-safe.
class TokenEstimator {
 public:
  double Factor(absl::string_view model) const;
  // Requests of fewer than 32 raw tokens teach nothing: framing outweighs the text.
  void Learn(absl::string_view model, int64_t raw_tokens, int64_t reported_tokens);

 private:
  mutable Mutex mutex_;
  absl::flat_hash_map<std::string, double> factors_ ABSL_GUARDED_BY(mutex_);
};

}  // namespace penstock::dispatcher
