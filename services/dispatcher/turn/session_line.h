// The live turns of one session, in order.
#pragma once

#include <cstdint>
#include <deque>
#include <memory>
#include <string>

#include "penstock/chat/v1/turn.pb.h"
#include "services/dispatcher/turn/live_turn.h"

namespace penstock::dispatcher {

// Turns of one session run one at a time, in order of acceptance: only the head stands in the
// pool's line. It inherits the highest class that waits behind it, and the lane of the one before
// it. Not thread-safe: the shard's lock guards it.
class SessionLine {
 public:
  // Behind all others. A turn that is alone becomes the head.
  void Add(std::shared_ptr<LiveTurn> turn);

  // The turn has ended. When it was the head, the next one becomes it.
  void Remove(const LiveTurn& turn);

  // Tells the head's place in the pool's line which class it has now.
  void Inherit() const;

  bool empty() const { return turns_.empty(); }
  size_t size() const { return turns_.size(); }
  const std::deque<std::shared_ptr<LiveTurn>>& turns() const { return turns_; }

  // Turns of the session before this one; 0 for the head.
  int64_t Before(const LiveTurn& turn) const;

  // The highest class of all turns in the line.
  chat::v1::TurnClass HighestClass() const;

 private:
  void Head();

  std::deque<std::shared_ptr<LiveTurn>> turns_;
  // That its last turn was answered by; empty: not known.
  std::string last_lane_;
};

}  // namespace penstock::dispatcher
