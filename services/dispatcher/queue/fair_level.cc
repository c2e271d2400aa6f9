#include "services/dispatcher/queue/fair_level.h"

#include <algorithm>
#include <limits>
#include <utility>

namespace penstock::dispatcher {

void FairLevel::Place(FairFlow& flow, std::optional<int64_t> in_line,
                      std::optional<int64_t> ready) {
  if (flow.in_line == in_line && flow.ready == ready) return;
  Wake(flow);
  const bool joins = !flow.in_line && in_line;
  Move(flow, joins ? std::max(flow.tag, virtual_time_) : flow.tag, in_line, ready);
  Rest(flow);
}

void FairLevel::Serve(FairFlow& flow, double cost, std::optional<int64_t> in_line,
                      std::optional<int64_t> ready) {
  ++flow.open;
  const double before = flow.tag;
  Move(flow, before + cost / flow.weight, in_line, ready);
  AdvanceTo(before);
}

void FairLevel::Correct(FairFlow& flow, double difference) {
  Wake(flow);
  Move(flow, std::max(0.0, flow.tag + difference / flow.weight), flow.in_line, flow.ready);
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

void FairLevel::Move(FairFlow& flow, double tag, std::optional<int64_t> in_line,
                     std::optional<int64_t> ready) {
  const bool charged = tag != flow.tag;
  const bool in_line_changes = charged || flow.in_line != in_line;
  const bool ready_changes = charged || flow.ready != ready;
  if (flow.in_line && in_line_changes) line_.erase({flow.tag, *flow.in_line, &flow});
  if (flow.ready && ready_changes) ready_.erase({flow.tag, *flow.ready, &flow});
  if (!flow.in_line && in_line) weight_in_line_ += flow.weight;
  if (flow.in_line && !in_line) weight_in_line_ -= flow.weight;
  flow.tag = tag;
  flow.in_line = in_line;
  flow.ready = ready;
  greatest_tag_ = std::max(greatest_tag_, tag);
  if (in_line && in_line_changes) line_.insert({tag, *in_line, &flow});
  if (ready && ready_changes) ready_.insert({tag, *ready, &flow});
  // Nobody competes: no service is held against anybody.
  if (line_.empty()) {
    weight_in_line_ = 0;
    AdvanceTo(greatest_tag_);
  }
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
