#include "services/dispatcher/queue/fair_level.h"

#include <algorithm>
#include <limits>
#include <utility>

namespace penstock::dispatcher {

void FairLevel::Place(FairFlow& flow, std::optional<int64_t> in_line,
                      std::optional<int64_t> ready) {
  if (flow.in_line == in_line && flow.ready == ready) return;
  Wake(flow);
  if (flow.ready) ready_.erase({flow.tag, *flow.ready, &flow});
  if (flow.in_line) line_.erase({flow.tag, *flow.in_line, &flow});
  if (!flow.in_line && in_line) {
    weight_in_line_ += flow.weight;
    flow.tag = std::max(flow.tag, virtual_time_);
    greatest_tag_ = std::max(greatest_tag_, flow.tag);
  }
  if (flow.in_line && !in_line) weight_in_line_ -= flow.weight;
  flow.in_line = in_line;
  flow.ready = ready;
  if (in_line) line_.insert({flow.tag, *in_line, &flow});
  if (ready) ready_.insert({flow.tag, *ready, &flow});
  if (line_.empty()) {
    weight_in_line_ = 0;
    AdvanceTo(greatest_tag_);
  }
  Rest(flow);
}

void FairLevel::Serve(FairFlow& flow, double cost) {
  Wake(flow);
  ++flow.open;
  const double before = flow.tag;
  SetTag(flow, before + cost / flow.weight);
  AdvanceTo(before);
}

void FairLevel::Correct(FairFlow& flow, double difference) {
  Wake(flow);
  SetTag(flow, std::max(0.0, flow.tag + difference / flow.weight));
  Rest(flow);
}

void FairLevel::End(FairFlow& flow) {
  --flow.open;
  Rest(flow);
}

size_t FairLevel::Before(const FairFlow& flow) const {
  return line_.order_of_key({flow.tag, *flow.in_line, const_cast<FairFlow*>(&flow)});
}

size_t FairLevel::BeforeNew(double tag) const {
  return line_.order_of_key(
      {std::max(tag, virtual_time_), std::numeric_limits<int64_t>::max(), nullptr});
}

std::vector<FairFlow*> FairLevel::TakeForgotten() { return std::exchange(forgotten_, {}); }

void FairLevel::SetTag(FairFlow& flow, double tag) {
  if (flow.in_line) line_.erase({flow.tag, *flow.in_line, &flow});
  if (flow.ready) ready_.erase({flow.tag, *flow.ready, &flow});
  flow.tag = tag;
  if (flow.in_line) line_.insert({tag, *flow.in_line, &flow});
  if (flow.ready) ready_.insert({tag, *flow.ready, &flow});
  greatest_tag_ = std::max(greatest_tag_, tag);
  // Nobody competes: the service is not held against the flow.
  if (line_.empty()) AdvanceTo(greatest_tag_);
}

void FairLevel::AdvanceTo(double virtual_time) {
  virtual_time_ = std::max(virtual_time_, virtual_time);
  while (!idle_.empty() && idle_.begin()->tag <= virtual_time_) {
    FairFlow* flow = idle_.begin()->flow;
    idle_.erase(idle_.begin());
    flow->idle = false;
    forgotten_.push_back(flow);
  }
}

void FairLevel::Rest(FairFlow& flow) {
  if (flow.in_line || flow.open > 0 || flow.idle) return;
  if (flow.tag <= virtual_time_) {
    forgotten_.push_back(&flow);
  } else {
    flow.idle = true;
    idle_.insert({flow.tag, 0, &flow});
  }
}

void FairLevel::Wake(FairFlow& flow) {
  if (!flow.idle) return;
  idle_.erase({flow.tag, 0, &flow});
  flow.idle = false;
}

}  // namespace penstock::dispatcher
