#include "services/dispatcher/scaling/scaler.h"

#include <algorithm>
#include <cmath>
#include <string>

#include "libs/base/refusal.h"
#include "libs/base/status_macros.h"

#include "absl/strings/ascii.h"
#include "absl/strings/str_cat.h"

namespace penstock::dispatcher {
namespace {

using externalscaler::GetMetricSpecResponse;
using externalscaler::GetMetricsResponse;

// A part of a URL of the metrics API.
std::string MetricNameOf(const ScalingTrigger& trigger) {
  if (trigger.component == ScalingTrigger::Component::kGateway) return "penstock-open-streams";
  std::string name = "penstock-required-concurrency";
  if (!trigger.pool.empty()) absl::StrAppend(&name, "-", trigger.pool);
  for (char& c : name) c = absl::ascii_isalnum(c) ? absl::ascii_tolower(c) : '-';
  return name;
}

}  // namespace

int64_t Scaler::ValueOf(const ScalingTrigger& trigger) const {
  if (trigger.component == ScalingTrigger::Component::kGateway) {
    return static_cast<int64_t>(open_streams_.Value());
  }
  if (!trigger.pool.empty()) return pools_.at(trigger.pool)->Signal().required_concurrency;
  int64_t required = 0;
  for (const auto& [name, pool] : pools_) required += pool->Signal().required_concurrency;
  return required;
}

absl::StatusOr<bool> Scaler::IsActive(const externalscaler::ScaledObjectRef& object) const {
  PENSTOCK_ASSIGN_OR_RETURN(const ScalingTrigger trigger, TriggerOf(object, pools_));
  return ValueOf(trigger) > 0;
}

absl::StatusOr<GetMetricSpecResponse> Scaler::SpecOf(
    const externalscaler::ScaledObjectRef& object) const {
  PENSTOCK_ASSIGN_OR_RETURN(const ScalingTrigger trigger, TriggerOf(object, pools_));
  GetMetricSpecResponse response;
  auto& spec = *response.add_metricspecs();
  spec.set_metricname(MetricNameOf(trigger));
  spec.set_targetsize(static_cast<int64_t>(std::ceil(std::min(trigger.target, 1e18))));
  spec.set_targetsizefloat(trigger.target);
  return response;
}

absl::StatusOr<GetMetricsResponse> Scaler::MetricsOf(
    const externalscaler::GetMetricsRequest& request) const {
  PENSTOCK_ASSIGN_OR_RETURN(const ScalingTrigger trigger,
                            TriggerOf(request.scaledobjectref(), pools_));
  const std::string name = MetricNameOf(trigger);
  if (request.metricname() != name) {
    return FieldInvalid("metricName", absl::StrCat("'", request.metricname(), "'"), name);
  }
  const int64_t value = ValueOf(trigger);
  GetMetricsResponse response;
  auto& metric = *response.add_metricvalues();
  metric.set_metricname(name);
  metric.set_metricvalue(value);
  metric.set_metricvaluefloat(static_cast<double>(value));
  return response;
}

}  // namespace penstock::dispatcher
