#include "services/dispatcher/limits/model_lanes.h"

#include <string>
#include <utility>
#include <vector>

#include "services/dispatcher/limits/rate_limiter.h"

namespace penstock::dispatcher {
namespace {

bool HasRate(const config::v1::Limits& limits) {
  return limits.requests_per_minute() > 0 || limits.tokens_per_minute() > 0 ||
         limits.input_tokens_per_minute() > 0 || limits.output_tokens_per_minute() > 0;
}

// The model as this lane has it.
config::v1::Model OnLane(config::v1::Model model, const config::v1::Lane& lane) {
  if (lane.concurrency() > 0) model.set_concurrency(lane.concurrency());
  if (HasRate(lane.limits())) *model.mutable_limits() = lane.limits();
  return model;
}

}  // namespace

std::unique_ptr<LaneSet> LanesOf(const config::v1::Model& model, absl::Duration now,
                                 uint32_t seed) {
  const BreakerOptions breaker = BreakerOptionsOf(model);
  std::vector<LaneSet::Lane> lanes;
  for (const config::v1::Lane& lane : model.lanes()) {
    lanes.push_back({.name = lane.provider(),
                     .limiter = std::make_unique<RateLimiter>(OnLane(model, lane), now),
                     .breaker = Breaker(breaker),
                     .weight = lane.weight()});
  }
  if (lanes.empty()) {
    lanes.push_back({.name = model.name().substr(0, model.name().find('/')),
                     .limiter = std::make_unique<RateLimiter>(model, now),
                     .breaker = Breaker(breaker)});
  }
  return std::make_unique<LaneSet>(std::move(lanes), seed);
}

}  // namespace penstock::dispatcher
