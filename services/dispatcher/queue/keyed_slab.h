// Objects of one kind that do not move, each found by a key that it holds itself.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <type_traits>
#include <utility>
#include <vector>

#include "absl/container/flat_hash_set.h"
#include "absl/hash/hash.h"

namespace penstock::dispatcher {

// They lie in pages and are known by 32-bit numbers, so that one costs its own size and some ten
// bytes. `KeyOf` is a function object: the key of a T, which absl::HashOf can hash. A key must not
// change. Not thread-safe.
template <class T, class KeyOf>
class KeyedSlab {
 public:
  using Key = std::decay_t<std::invoke_result_t<KeyOf, const T&>>;

  KeyedSlab() : numbers_(0, Hash{this}, Same{this}) {}
  KeyedSlab(const KeyedSlab&) = delete;
  KeyedSlab& operator=(const KeyedSlab&) = delete;

  size_t size() const { return numbers_.size(); }

  // This key is looked for soon.
  void Prefetch(const Key& key) const { numbers_.prefetch(key); }
  // Null: there is none.
  T* Find(const Key& key) const {
    const auto found = numbers_.find(key);
    return found == numbers_.end() ? nullptr : &At(*found);
  }
  // The object of this key, and whether it is new: then `make(T&)` has given the key to a T().
  template <class Make>
  std::pair<T*, bool> FindOrMake(const Key& key, Make make) {
    bool made = false;
    const auto found = numbers_.lazy_emplace(key, [&](const auto& insert) {
      const uint32_t number = Take();
      make(At(number));
      insert(number);
      made = true;
    });
    return {&At(*found), made};
  }
  // Of an object that is in it.
  void Erase(T& object) {
    const auto found = numbers_.find(KeyOf()(object));
    const uint32_t number = *found;
    numbers_.erase(found);
    object = T();
    free_.push_back(number);
  }

 private:
  static constexpr uint32_t kPage = 1024;

  struct Hash {
    using is_transparent = void;
    const KeyedSlab* slab;
    size_t operator()(const Key& key) const { return absl::HashOf(key); }
    size_t operator()(uint32_t number) const { return (*this)(KeyOf()(slab->At(number))); }
  };
  struct Same {
    using is_transparent = void;
    const KeyedSlab* slab;
    bool operator()(uint32_t number, const Key& key) const {
      return KeyOf()(slab->At(number)) == key;
    }
    bool operator()(uint32_t a, uint32_t b) const { return a == b; }
  };

  T& At(uint32_t number) const { return pages_[number / kPage][number % kPage]; }
  uint32_t Take() {
    if (!free_.empty()) {
      const uint32_t number = free_.back();
      free_.pop_back();
      return number;
    }
    if (used_ % kPage == 0) pages_.push_back(std::make_unique<T[]>(kPage));
    return used_++;
  }

  std::vector<std::unique_ptr<T[]>> pages_;
  uint32_t used_ = 0;
  std::vector<uint32_t> free_;
  absl::flat_hash_set<uint32_t, Hash, Same> numbers_;
};

}  // namespace penstock::dispatcher
