// Everything that is not a completion: /v1/models, and /_sim for tests.
#pragma once

#include "tests/providersim/call_log.h"
#include "tests/providersim/gates.h"
#include "tests/providersim/http_answer.h"
#include "tests/providersim/options.h"
#include "tests/providersim/outage.h"
#include "tests/providersim/rate_limits.h"

#include "absl/strings/string_view.h"

namespace penstock::providersim {

// Thread-safe; answers without waiting.
class Control {
 public:
  Control(const Options& options, CallLog& log, Gates& gates, RateLimits& limits, Outage& outage)
      : options_(options), log_(log), gates_(gates), limits_(limits), outage_(outage) {}

  // 404 for anything unknown, worded as OpenAI does.
  HttpAnswer Answer(absl::string_view method, absl::string_view target, absl::string_view body);

 private:
  HttpAnswer Sim(absl::string_view method, absl::string_view path, absl::string_view query,
                 absl::string_view body);
  HttpAnswer Gate(absl::string_view method, absl::string_view id, absl::string_view body);
  HttpAnswer Limits(absl::string_view body);
  HttpAnswer SetOutage(absl::string_view body);
  HttpAnswer Models(absl::string_view path) const;

  const Options& options_;
  CallLog& log_;
  Gates& gates_;
  RateLimits& limits_;
  Outage& outage_;
};

HttpAnswer ErrorAnswer(const ApiError& error);

}  // namespace penstock::providersim
