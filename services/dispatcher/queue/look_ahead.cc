#include "services/dispatcher/queue/look_ahead.h"

#include <algorithm>
#include <queue>
#include <tuple>

#include "services/dispatcher/queue/tenant_flow.h"

#include "absl/container/inlined_vector.h"

namespace penstock::dispatcher {
namespace {

// Serves a level without charging it. `Inside` does the same for one of its flows: Take, and the
// flow's weight(). The level must not change meanwhile.
template <class Inside>
class DryRun {
 public:
  explicit DryRun(const FairLevel& level) : next_(level.line()) {}

  // Null: there is nothing more.
  FairEntry* Take() {
    while (Touch()) {
      Touched top = touched_.top();
      touched_.pop();
      Inside& inside = insides_[top.inside];
      FairEntry* entry = inside.Take();
      if (entry == nullptr) continue;
      last_tag_ = top.tag;
      top.tag += entry->cost / inside.weight();
      touched_.push(top);
      return entry;
    }
    return nullptr;
  }

  // S, as it would be then, of the flow that Take took the last one from.
  double last_tag() const { return last_tag_; }
  // Of those that it took from.
  const absl::InlinedVector<Inside, 2>& insides() const { return insides_; }

 private:
  struct Touched {
    double tag;
    int64_t order;
    size_t inside;
    bool operator<(const Touched& other) const {
      return std::tie(tag, order) > std::tie(other.tag, other.order);
    }
  };

  // The next flow to serve is on top of touched_; false: there is none.
  bool Touch() {
    while (const FairLevel::Rank* next = next_.Peek()) {
      if (!touched_.empty() &&
          std::tie(touched_.top().tag, touched_.top().order) < std::tie(next->tag, next->order)) {
        break;
      }
      touched_.push({next->tag, next->order, insides_.size()});
      insides_.emplace_back(*next->flow);
      next_.Next();
    }
    return !touched_.empty();
  }

  FairLevel::Line::Cursor next_;
  // Mostly one user of many tenants each.
  std::priority_queue<Touched, absl::InlinedVector<Touched, 2>> touched_;
  absl::InlinedVector<Inside, 2> insides_;
  double last_tag_ = 0;
};

class UserRun {
 public:
  explicit UserRun(const FairFlow& flow) : entries_(static_cast<const UserFlow&>(flow).line) {}
  FairEntry* Take() { return entries_.Take(); }
  static double weight() { return 1; }

 private:
  UserLine::Cursor entries_;
};

class TenantRun {
 public:
  explicit TenantRun(const FairFlow& flow)
      : flow_(&static_cast<const TenantFlow&>(flow)), users_(flow_->level) {}
  FairEntry* Take() {
    FairEntry* entry = users_.Take();
    if (entry != nullptr) last_seq_ = entry->seq;
    return entry;
  }
  double weight() const { return flow_->weight; }
  uint32_t tenant() const { return flow_->tenant; }
  std::pair<double, int64_t> last() const { return {users_.last_tag(), last_seq_}; }

 private:
  const TenantFlow* flow_;
  DryRun<UserRun> users_;
  int64_t last_seq_ = 0;
};

// The way from a tenant to its first turn is a chain of cache misses, and the next tenant is known
// only after it. Those that will probably be needed are fetched here, all at once.
void Fetch(const FairLevel& tenants, size_t n) {
  if (n == 0 || tenants.line().empty()) return;
  const size_t users_each = std::max<size_t>(1, n / tenants.line().size());
  FairLevel::Line::Cursor tenant(tenants.line());
  for (size_t i = 0; i < n && tenant.Peek() != nullptr; i += users_each, tenant.Next()) {
    FairLevel::Line::Cursor user(static_cast<TenantFlow*>(tenant.Peek()->flow)->level.line());
    for (size_t j = 0; j < users_each && user.Peek() != nullptr; ++j, user.Next()) {
      __builtin_prefetch(static_cast<UserFlow*>(user.Peek()->flow)->line.First());
    }
  }
}

}  // namespace

std::vector<FairEntry*> LookAhead::Take(const FairFlows& flows, size_t n) {
  std::vector<FairEntry*> entries;
  Fetch(flows.level(), n);
  DryRun<TenantRun> run(flows.level());
  while (entries.size() < n) {
    FairEntry* entry = run.Take();
    if (entry == nullptr) break;
    entries.push_back(entry);
  }
  wanted_ = n;
  whole_ = entries.size() == flows.waiting();
  tenant_tag_ = run.last_tag();
  last_.clear();
  for (const TenantRun& tenant : run.insides()) last_[tenant.tenant()] = tenant.last();
  return entries;
}

bool LookAhead::Reaches(const FairEntry& entry) const {
  if (whole_) return true;
  const UserFlow& user = *entry.flow;
  // Tags are those of the user's first.
  if (const FairEntry* previous = user.line.Previous(entry)) return previous->named;
  const auto last = last_.find(user.tenant->tenant);
  if (last == last_.end()) return user.tenant->tag < tenant_tag_;
  return std::pair(user.tag, entry.seq) < last->second;
}

}  // namespace penstock::dispatcher
