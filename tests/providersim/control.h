// Everything that is not a completion: /v1/models, and /_sim for tests.
#pragma once

#include <string>

#include "tests/providersim/api_error.h"
#include "tests/providersim/call_log.h"
#include "tests/providersim/gates.h"
#include "tests/providersim/http_answer.h"
#include "tests/providersim/options.h"
#include "tests/providersim/outage.h"
#include "tests/providersim/rate_limits.h"
#include "tests/providersim/wire_format.h"

#include "absl/strings/string_view.h"

namespace penstock::providersim {

// Thread-safe; answers without waiting.
class Control {
 public:
  Control(const Options& options, CallLog& log, Gates& gates, RateLimits& limits, Outage& outage)
      : options_(options), log_(log), gates_(gates), limits_(limits), outage_(outage) {}

  // 404 for anything unknown, worded as `format` does. With the headers of that format, less those
  // of limits.
  HttpAnswer Answer(absl::string_view method, absl::string_view target, absl::string_view body,
                    const WireFormat& format, absl::string_view request_id);

 private:
  // What is asked for, or why not: one of the two.
  struct Served {
    std::string body = {};
    Refused refused = {};
  };

  Served Serve(absl::string_view method, absl::string_view target, absl::string_view body,
               const WireFormat& format);
  Served Sim(absl::string_view method, absl::string_view path, absl::string_view query,
             absl::string_view body);
  Served Gate(absl::string_view method, absl::string_view id, absl::string_view body);
  Served Limits(absl::string_view body);
  Served SetOutage(absl::string_view body);
  Served Models(absl::string_view path, const WireFormat& format) const;

  const Options& options_;
  CallLog& log_;
  Gates& gates_;
  RateLimits& limits_;
  Outage& outage_;
};

}  // namespace penstock::providersim
