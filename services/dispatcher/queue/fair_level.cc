#include "services/dispatcher/queue/fair_level.h"

#include <algorithm>
#include <limits>

#include "libs/base/failpoint.h"

namespace penstock::dispatcher {
namespace {

void Reorder(RankedSet<FairLevel::Rank>& set, FairFlow& flow, std::optional<int64_t> from,
             double tag, std::optional<int64_t> to) {
  if (from == to && tag == flow.tag) return;
  if (from) set.Erase({flow.tag, *from, &flow});
  if (to) set.Insert({tag, *to, &flow});
}

}  // namespace

void FairLevel::Place(FairFlow& flow, const Standing& from, const Standing& to) {
  if (from == to) return;
  Wake(flow);
  const bool joins = !from.in_line && to.in_line && !PENSTOCK_PLANTED_BUG("planted.lift_forgotten");
  Move(flow, joins ? std::max(flow.tag, virtual_time_) : flow.tag, from, to);
  Rest(flow, to);
}

void FairLevel::Serve(FairFlow& flow, double cost, const Standing& from, const Standing& to) {
  ++flow.open;
  virtual_time_ = std::max(virtual_time_, flow.tag);
  Move(flow, flow.tag + cost, from, to);
}

void FairLevel::End(FairFlow& flow, double difference, const Standing& at) {
  --flow.open;
  Move(flow, std::max(0.0, flow.tag + difference), at, at);
  Rest(flow, at);
}

size_t FairLevel::Before(const FairFlow& flow, const Standing& at) const {
  return line_.Before({flow.tag, *at.in_line, const_cast<FairFlow*>(&flow)});
}

size_t FairLevel::BeforeNew(double tag) const {
  return line_.Before({std::max(tag, virtual_time_), std::numeric_limits<int64_t>::max(), nullptr});
}

FairFlow* FairLevel::TakeForgotten() {
  if (idle_.empty() || idle_.front().tag > virtual_time_) return nullptr;
  FairFlow* flow = idle_.front().flow;
  Wake(*flow);
  return flow;
}

void FairLevel::Move(FairFlow& flow, double tag, const Standing& from, const Standing& to) {
  Reorder(line_, flow, from.in_line, tag, to.in_line);
  Reorder(ready_, flow, from.ready, tag, to.ready);
  flow.tag = tag;
  greatest_tag_ = std::max(greatest_tag_, tag);
  // Nobody competes: no service is held against anybody.
  if (line_.empty()) virtual_time_ = greatest_tag_;
}

void FairLevel::Rest(FairFlow& flow, const Standing& at) {
  if (at.in_line || flow.open > 0) return;
  flow.idle = true;
  idle_.Insert({flow.tag, 0, &flow});
}

void FairLevel::Wake(FairFlow& flow) {
  if (!flow.idle) return;
  idle_.Erase({flow.tag, 0, &flow});
  flow.idle = false;
}

}  // namespace penstock::dispatcher
