// Start-time fair queueing among flows of one kind: the tenants of a class, or the users of a
// tenant.
//
// Each flow has a start tag S, the service that it has had over its weight; the ready flow of least
// S is served next, and a service of cost k adds k / weight to its S. Virtual time V is the
// greatest S that was served. A flow that comes back is lifted to max(S, V), so that nobody saves
// service up (Goyal, Vin and Cheng, SIGCOMM 96; the lift is that of VTC, Sheng et al., OSDI 24).
// When nobody is in line V becomes the greatest S there is: the next busy period begins level.
#pragma once

#include <compare>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <optional>
#include <vector>

#include <ext/pb_ds/assoc_container.hpp>
#include <ext/pb_ds/tree_policy.hpp>

#include "absl/container/btree_set.h"

namespace penstock::dispatcher {

// A flow. Does not move while a level knows it.
struct FairFlow {
  // Above 0. Constant while the level knows the flow.
  double weight = 1;

  // The level's own.
  double tag = 0;
  // Services that have not ended.
  int64_t open = 0;
  // Where it stands in the level's sets; absent: it is not in them.
  std::optional<int64_t> in_line;
  std::optional<int64_t> ready;
  bool idle = false;
};

// Not thread-safe. Everything is O(log n) in the number of flows, amortized.
class FairLevel {
 public:
  struct Rank {
    double tag;
    // Among equal tags.
    int64_t order;
    FairFlow* flow;
    friend auto operator<=>(const Rank&, const Rank&) = default;
  };
  // A red-black tree that also counts: order_of_key is O(log n).
  using Line =
      __gnu_pbds::tree<Rank, __gnu_pbds::null_type, std::less<Rank>, __gnu_pbds::rb_tree_tag,
                       __gnu_pbds::tree_order_statistics_node_update>;

  // Says whether a flow has something in line, and something ready, and gives its order among
  // flows of equal S. Ready implies in line.
  void Place(FairFlow& flow, std::optional<int64_t> in_line, std::optional<int64_t> ready);
  // A service of a ready flow begins, after which it stands as Place would say; End follows.
  void Serve(FairFlow& flow, double cost, std::optional<int64_t> in_line,
             std::optional<int64_t> ready);
  // A service, open or ended just now, took so much more than Serve was told; negative: less.
  void Correct(FairFlow& flow, double difference);
  void End(FairFlow& flow);

  // The flow to serve next; null: none is ready.
  FairFlow* Next() const { return ready_.empty() ? nullptr : ready_.begin()->flow; }
  // Flows with something in line, in the order of service.
  const Line& line() const { return line_; }
  // How many of these come before one of them, and before one that joined now with this S.
  size_t Before(const FairFlow& flow) const;
  size_t BeforeNew(double tag) const;
  // The sum of their weights.
  double weight_in_line() const { return weight_in_line_; }
  double virtual_time() const { return virtual_time_; }

  // Flows that have nothing in line, no open service, and no S that V has not passed: since the
  // last call. The level does not know them any more.
  std::vector<FairFlow*> TakeForgotten();

 private:
  void Move(FairFlow& flow, double tag, std::optional<int64_t> in_line,
            std::optional<int64_t> ready);
  void AdvanceTo(double virtual_time);
  // Among the idle ones, when it is one.
  void Rest(FairFlow& flow);
  void Wake(FairFlow& flow);

  Line line_;
  absl::btree_set<Rank> ready_;
  absl::btree_set<Rank> idle_;
  std::vector<FairFlow*> forgotten_;
  double virtual_time_ = 0;
  double greatest_tag_ = 0;
  double weight_in_line_ = 0;
};

}  // namespace penstock::dispatcher
