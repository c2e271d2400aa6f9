// Strict classes, first come first served inside each.
#pragma once

#include <functional>
#include <limits>
#include <set>
#include <tuple>

#include <ext/pb_ds/assoc_container.hpp>
#include <ext/pb_ds/tree_policy.hpp>

#include "services/dispatcher/queue/scheduler.h"

#include "absl/container/flat_hash_map.h"

namespace penstock::dispatcher {

// ACTION > FIRST > PAID > FREE > BATCH; inside a class by seq. Tenants and users are not told
// apart.
class StrictScheduler : public Scheduler {
 public:
  void Enqueue(const WaitingEntry& entry, absl::Duration now) override;
  void SetClass(EntryId id, chat::v1::TurnClass turn_class) override;
  void MarkReady(EntryId id) override;
  void Withdraw(EntryId id) override;
  std::vector<EntryId> Window(size_t n) override;
  std::optional<EntryId> Pick(absl::Duration now) const override;
  void Start(EntryId id, absl::Duration now) override;
  void Requeue(EntryId id) override;
  void Settle(EntryId id, const chat::v1::Usage& actual) override;
  int64_t Position(EntryId id) const override;
  int64_t PositionOfNext(chat::v1::TurnClass turn_class) const override;
  size_t waiting() const override { return line_.size(); }
  size_t ready() const override { return ready_.size(); }

 private:
  // Class (the values of TurnClass are in order of rank), seq, id.
  using Place = std::tuple<int, int64_t, EntryId>;
  // A red-black tree that also counts: order_of_key is O(log n).
  using Line =
      __gnu_pbds::tree<Place, __gnu_pbds::null_type, std::less<Place>, __gnu_pbds::rb_tree_tag,
                       __gnu_pbds::tree_order_statistics_node_update>;

  enum class State { kWaiting, kReady, kStarted };
  struct Known {
    Place place;
    State state = State::kWaiting;
    bool named = false;
  };

  Known* Find(EntryId id, State state);
  void Join(Known& entry);
  void Leave(const Known& entry);

  absl::flat_hash_map<EntryId, Known> entries_;
  // Waiting and ready ones.
  Line line_;
  std::set<Place> ready_;
  // Those in line that no Window has named.
  std::set<Place> unnamed_;
};

}  // namespace penstock::dispatcher
