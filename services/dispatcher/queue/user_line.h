// The turns of one user in line: first come, first served.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>

#include "services/dispatcher/queue/ranked_set.h"
#include "services/dispatcher/queue/scheduler.h"

namespace penstock::dispatcher {

struct UserFlow;

// A turn in line, or one that holds a permit. Does not move.
struct FairEntry {
  EntryId id = 0;
  int64_t seq = 0;
  // Expected, in cost units; above 0.
  double cost = 0;
  // Its user's, while it is in line and until its service has ended.
  UserFlow* flow = nullptr;
  bool ready = false;
  // Its context is to be prepared.
  bool named = false;
};

// By seq, then by id. Not thread-safe. O(log n); most users have one turn, for which there are no
// sets.
class UserLine {
 public:
  bool empty() const { return size() == 0; }
  size_t size() const { return several_ ? several_->line.size() : only_ != nullptr; }
  // Null: none, or none that is ready.
  FairEntry* First() const { return several_ ? several_->line.front().entry : only_; }
  FairEntry* FirstReady() const;
  // How many stand before one of them, and the last of those; null: none.
  size_t Before(const FairEntry& entry) const;
  FairEntry* Previous(const FairEntry& entry) const;

  void Insert(FairEntry& entry);
  void Erase(FairEntry& entry);
  void MarkReady(FairEntry& entry);

  // Walks it from the front. It must not change meanwhile.
  class Cursor;

 private:
  struct Place {
    int64_t seq;
    EntryId id;
    FairEntry* entry;
    friend bool operator<(const Place& a, const Place& b) {
      return a.seq != b.seq ? a.seq < b.seq : a.id < b.id;
    }
  };
  struct Several {
    void Insert(FairEntry& entry);

    RankedSet<Place> line;
    RankedSet<Place> ready;
  };
  static Place PlaceOf(const FairEntry& entry) {
    return {entry.seq, entry.id, const_cast<FairEntry*>(&entry)};
  }

  FairEntry* only_ = nullptr;
  // While there are two or more.
  std::unique_ptr<Several> several_;
};

class UserLine::Cursor {
 public:
  explicit Cursor(const UserLine& line);
  // Null: there is nothing more.
  FairEntry* Take();

 private:
  FairEntry* only_;
  std::optional<RankedSet<Place>::Cursor> several_;
};

}  // namespace penstock::dispatcher
