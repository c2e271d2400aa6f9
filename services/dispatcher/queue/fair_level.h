// Start-time fair queueing among flows of one kind: the tenants of a class, or the users of a
// tenant.
//
// Each flow has a start tag S, the service that it has had over its weight; the ready flow of least
// S is served next, and a service of cost k adds k / weight to its S. Virtual time V is the
// greatest S that was served. A flow that comes back is lifted to max(S, V), so that nobody saves
// service up (Goyal, Vin and Cheng, SIGCOMM 96; the lift is that of VTC, Sheng et al., OSDI 24).
// When nobody is in line V becomes the greatest S there is: the next busy period begins level.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>

#include "services/dispatcher/queue/ranked_set.h"

namespace penstock::dispatcher {

// A flow, for its level alone. Does not move while a level knows it.
struct FairFlow {
  double tag = 0;
  // Services that have not ended.
  uint32_t open = 0;
  bool idle = false;
};

// Where a flow stands: its order among flows of equal S. Absent: it has nothing in line, or nothing
// ready. Ready implies in line.
struct Standing {
  std::optional<int64_t> in_line;
  std::optional<int64_t> ready;
  friend bool operator==(const Standing&, const Standing&) = default;
};

// It does not keep where a flow stands: the caller, who can tell from what the flow has, says it
// with every call. Costs are over the flow's weight. Not thread-safe. Everything is O(log n) in the
// number of flows, amortized, and as RankedSet.
class FairLevel {
 public:
  struct Rank {
    double tag;
    // Among equal tags.
    int64_t order;
    FairFlow* flow;
    friend bool operator<(const Rank& a, const Rank& b) {
      if (a.tag != b.tag) return a.tag < b.tag;
      return a.order != b.order ? a.order < b.order : a.flow < b.flow;
    }
  };
  using Line = RankedSet<Rank>;

  // What a flow has in line or ready changes.
  void Place(FairFlow& flow, const Standing& from, const Standing& to);
  // A service of a ready flow begins, and it stands differently after it. End follows.
  void Serve(FairFlow& flow, double cost, const Standing& from, const Standing& to);
  // A service has ended, and took so much more than Serve was told; negative: less.
  void End(FairFlow& flow, double difference, const Standing& at);

  // The flow to serve next; null: none is ready.
  FairFlow* Next() const { return ready_.empty() ? nullptr : ready_.front().flow; }
  // Flows with something in line, in the order of service.
  const Line& line() const { return line_; }
  // How many of these come before one of them, and before one that joined now with this S.
  size_t Before(const FairFlow& flow, const Standing& at) const;
  size_t BeforeNew(double tag) const;

  // A flow that has nothing in line, no open service, and no S that V has not passed; null: none.
  // The level does not know it any more. Asked after each change.
  FairFlow* TakeForgotten();

 private:
  void Move(FairFlow& flow, double tag, const Standing& from, const Standing& to);
  void Rest(FairFlow& flow, const Standing& at);
  void Wake(FairFlow& flow);

  Line line_;
  RankedSet<Rank> ready_;
  // With nothing in line and no open service.
  RankedSet<Rank> idle_;
  double virtual_time_ = 0;
  double greatest_tag_ = 0;
};

}  // namespace penstock::dispatcher
