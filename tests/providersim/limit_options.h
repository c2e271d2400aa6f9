// Which rate limits there are, and by which law: the same for every account and model.
#pragma once

#include <chrono>
#include <cstdint>

namespace penstock::providersim {

enum class LawKind { kBucket, kSliding, kMinute };

enum class ChargeTime {
  // Input and the bound of the output; what was not generated is given back at the end.
  kAdmission,
  // Input; then each output token as it is sent.
  kGenerated,
};

struct LimitOptions {
  bool any() const { return requests + input_tokens + output_tokens + tokens > 0; }

  // A minute; 0: no limit.
  int64_t requests = 0;
  int64_t input_tokens = 0;
  int64_t output_tokens = 0;
  // Input and output together.
  int64_t tokens = 0;
  LawKind law = LawKind::kBucket;
  // Of LawKind::kMinute: when a minute begins; below 60 s.
  std::chrono::milliseconds minute_phase{0};
  ChargeTime charge = ChargeTime::kAdmission;
  // The bound of an output whose request sets none.
  int64_t default_max_tokens = 4096;
  // What an unseen second consumer draws of each allowance, in millionths; 0: there is none.
  int64_t other_consumer_ppm = 0;
};

}  // namespace penstock::providersim
