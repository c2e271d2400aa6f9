// What the admin port answers.
#pragma once

#include <string>

#include "libs/host/health.h"
#include "libs/obs/metrics.h"

#include "absl/strings/string_view.h"

namespace penstock::host {

struct AdminAnswer {
  int status = 200;
  std::string content_type = "text/plain; charset=utf-8";
  std::string body;
};

// GET and HEAD of /metrics (Prometheus' text), /healthz (200 as long as the process answers) and
// /readyz (200, or 503 with the reasons as JSON); 404 and 405 otherwise. Never user content.
AdminAnswer AnswerAdmin(absl::string_view method, absl::string_view target,
                        const obs::Metrics& metrics, const Health& health);

}  // namespace penstock::host
