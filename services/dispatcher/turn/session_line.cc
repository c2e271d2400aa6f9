#include "services/dispatcher/turn/session_line.h"

#include <algorithm>
#include <utility>

#include "libs/base/failpoint.h"

namespace penstock::dispatcher {

void SessionLine::Add(std::shared_ptr<LiveTurn> turn) {
  turns_.push_back(std::move(turn));
  if (turns_.size() == 1) {
    Head();
  } else if (PENSTOCK_PLANTED_BUG("planted.session_order_ignored")) {
    turns_.back()->BecomeHead();
  } else {
    Inherit();
  }
}

void SessionLine::Remove(const LiveTurn& turn) {
  const auto found = std::find_if(turns_.begin(), turns_.end(),
                                  [&](const auto& each) { return each.get() == &turn; });
  if (found == turns_.end()) return;
  const bool was_head = found == turns_.begin();
  if (was_head) last_lane_ = turn.last_lane();
  turns_.erase(found);
  if (turns_.empty()) return;
  if (was_head) Head();
  Inherit();
}

void SessionLine::Head() {
  turns_.front()->SetLastLane(last_lane_);
  turns_.front()->BecomeHead();
}

void SessionLine::Inherit() const {
  if (turns_.empty()) return;
  if (const auto waiting = turns_.front()->waiting()) waiting->SetClass(HighestClass());
}

int64_t SessionLine::Before(const LiveTurn& turn) const {
  const auto found = std::find_if(turns_.begin(), turns_.end(),
                                  [&](const auto& each) { return each.get() == &turn; });
  return found - turns_.begin();
}

chat::v1::TurnClass SessionLine::HighestClass() const {
  // The values of TurnClass are in order of rank: the smallest is the highest.
  chat::v1::TurnClass highest = chat::v1::CLASS_BATCH;
  for (const auto& turn : turns_) highest = std::min(highest, turn->submitted().turn_class());
  return highest;
}

}  // namespace penstock::dispatcher
