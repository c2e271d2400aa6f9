// A few hundred keys in order: a part of a RankedSet.
#pragma once

#include <algorithm>
#include <cstddef>
#include <iterator>
#include <utility>
#include <vector>

namespace penstock::dispatcher {

// In an array, the greatest key first, because most keys are erased at the front of the set. Not
// thread-safe.
template <class Key>
class SortedChunk {
 public:
  bool empty() const { return keys_.empty(); }
  size_t size() const { return keys_.size(); }
  // The least and the greatest, and the least but i; it must have them.
  const Key& first() const { return first_; }
  const Key& last() const { return keys_.front(); }
  const Key& At(size_t i) const { return keys_[keys_.size() - 1 - i]; }
  // How many are less than this one.
  size_t Before(const Key& key) const { return static_cast<size_t>(keys_.end() - Lesser(key)); }

  // A key that is not in it; and one that is.
  void Insert(const Key& key) {
    // Twice as much each time would leave a third of all memory unused.
    if (keys_.size() == keys_.capacity()) keys_.reserve(keys_.size() * 5 / 4 + 1);
    keys_.insert(Lesser(key), key);
    first_ = keys_.back();
  }
  void Erase(const Key& key) {
    keys_.erase(std::prev(Lesser(key)));
    if (!keys_.empty()) first_ = keys_.back();
  }
  // Takes the upper half out.
  SortedChunk TakeUpper() {
    const auto middle = keys_.begin() + std::ssize(keys_) / 2;
    SortedChunk upper;
    upper.keys_.assign(keys_.begin(), middle);
    upper.first_ = upper.keys_.back();
    keys_.erase(keys_.begin(), middle);
    return upper;
  }
  // Takes all of one that is greater.
  void Append(SortedChunk upper) {
    upper.keys_.insert(upper.keys_.end(), keys_.begin(), keys_.end());
    keys_ = std::move(upper.keys_);
  }

 private:
  // Where those that are less begin.
  auto Lesser(const Key& key) const {
    return std::partition_point(keys_.begin(), keys_.end(),
                                [&](const Key& each) { return !(each < key); });
  }

  // Beside the array, so that a search among chunks need not read theirs.
  Key first_{};
  std::vector<Key> keys_;
};

}  // namespace penstock::dispatcher
