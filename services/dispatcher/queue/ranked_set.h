// A sorted set that counts how many of its keys come before one.
#pragma once

#include <algorithm>
#include <cstddef>
#include <iterator>
#include <utility>
#include <vector>

namespace penstock::dispatcher {

// Sorted chunks of 64 keys (256 when there are many) in one sorted array. A key is found in
// O(log n); to insert or erase it moves half a chunk, and once for many times the array. Up to some
// ten million keys that is less than a tree takes, whose nodes lie anywhere in memory.
//
// `Key` is small, is copied freely and has operator<. Not thread-safe.
template <class Key>
class RankedSet {
 public:
  bool empty() const { return chunks_.empty(); }
  size_t size() const { return size_; }
  // It must not be empty.
  const Key& front() const { return chunks_.front().first; }

  // A key that is not in it; and one that is.
  void Insert(const Key& key);
  void Erase(const Key& key);
  // How many are less than this one, which need not be in it: adds up the sizes of chunks.
  size_t Before(const Key& key) const;
  // The greatest of these; null: none.
  const Key* Previous(const Key& key) const;

  // Walks it from the front. It must not change meanwhile.
  class Cursor;

 private:
  struct Chunk {
    Key first;
    // Descending, because most are erased at the front of the set. Never empty between calls.
    std::vector<Key> keys;
  };

  // The most that a chunk may grow to. Neighbours are joined below half of it.
  size_t Full() const { return size_ < 8192 ? 64 : 256; }
  // The last chunk that begins with this key or a lesser one, else the first chunk.
  size_t ChunkOf(const Key& key) const;
  // Where in a chunk those that are less begin.
  static auto Lesser(const std::vector<Key>& keys, const Key& key) {
    return std::partition_point(keys.begin(), keys.end(),
                                [&](const Key& each) { return !(each < key); });
  }
  // Makes room for the key in a chunk that is full; the chunk where it belongs now.
  size_t MakeRoom(size_t at, const Key& key);
  void InsertInto(Chunk& chunk, const Key& key);
  // Joins a chunk and its successor if they are small.
  void Join(size_t at);

  std::vector<Chunk> chunks_;
  size_t size_ = 0;
};

template <class Key>
class RankedSet<Key>::Cursor {
 public:
  explicit Cursor(const RankedSet& set) : chunks_(&set.chunks_) {}

  // Null: there is nothing more.
  const Key* Peek() const {
    if (chunk_ == chunks_->size()) return nullptr;
    const std::vector<Key>& keys = (*chunks_)[chunk_].keys;
    return &keys[keys.size() - 1 - at_];
  }
  void Next() {
    if (++at_ < (*chunks_)[chunk_].keys.size()) return;
    ++chunk_;
    at_ = 0;
  }

 private:
  const std::vector<Chunk>* chunks_;
  size_t chunk_ = 0;
  // From the front of the chunk.
  size_t at_ = 0;
};

template <class Key>
void RankedSet<Key>::Insert(const Key& key) {
  if (chunks_.empty()) chunks_.push_back({key, {}});
  size_t at = ChunkOf(key);
  if (chunks_[at].keys.size() >= Full()) at = MakeRoom(at, key);
  InsertInto(chunks_[at], key);
  ++size_;
}

template <class Key>
void RankedSet<Key>::Erase(const Key& key) {
  const size_t at = ChunkOf(key);
  Chunk& chunk = chunks_[at];
  chunk.keys.erase(std::prev(Lesser(chunk.keys, key)));
  --size_;
  if (chunk.keys.empty()) {
    chunks_.erase(chunks_.begin() + static_cast<ptrdiff_t>(at));
    return;
  }
  chunk.first = chunk.keys.back();
  if (chunk.keys.size() >= Full() / 4) return;
  Join(at);
  if (at > 0) Join(at - 1);
}

template <class Key>
size_t RankedSet<Key>::Before(const Key& key) const {
  if (chunks_.empty()) return 0;
  const size_t at = ChunkOf(key);
  const std::vector<Key>& keys = chunks_[at].keys;
  auto before = static_cast<size_t>(keys.end() - Lesser(keys, key));
  for (size_t i = 0; i < at; ++i) before += chunks_[i].keys.size();
  return before;
}

template <class Key>
const Key* RankedSet<Key>::Previous(const Key& key) const {
  if (chunks_.empty()) return nullptr;
  const size_t at = ChunkOf(key);
  const std::vector<Key>& keys = chunks_[at].keys;
  const auto lesser = Lesser(keys, key);
  if (lesser != keys.end()) return &*lesser;
  return at == 0 ? nullptr : &chunks_[at - 1].keys.front();
}

template <class Key>
size_t RankedSet<Key>::ChunkOf(const Key& key) const {
  const auto next =
      std::upper_bound(chunks_.begin(), chunks_.end(), key,
                       [](const Key& sought, const Chunk& chunk) { return sought < chunk.first; });
  return next == chunks_.begin() ? 0 : static_cast<size_t>(next - chunks_.begin()) - 1;
}

// What grows at its end (keys of equal rank, in order of arrival) fills its chunks to the brim.
template <class Key>
size_t RankedSet<Key>::MakeRoom(size_t at, const Key& key) {
  const auto next = chunks_.begin() + static_cast<ptrdiff_t>(at) + 1;
  const bool at_its_end = chunks_[at].keys.front() < key;
  if (at_its_end && next != chunks_.end() && next->keys.size() < Full()) return at + 1;
  if (at_its_end) {
    chunks_.insert(next, {key, {}});
    return at + 1;
  }
  std::vector<Key>& keys = chunks_[at].keys;
  const auto middle = keys.begin() + std::ssize(keys) / 2;
  std::vector<Key> upper(keys.begin(), middle);
  keys.erase(keys.begin(), middle);
  const Key first = upper.back();
  chunks_.insert(next, {first, std::move(upper)});
  return key < first ? at : at + 1;
}

template <class Key>
void RankedSet<Key>::InsertInto(Chunk& chunk, const Key& key) {
  std::vector<Key>& keys = chunk.keys;
  // Twice as much each time would leave a third of all memory unused.
  if (keys.size() == keys.capacity()) keys.reserve(keys.size() * 5 / 4 + 1);
  keys.insert(Lesser(keys, key), key);
  chunk.first = keys.back();
}

template <class Key>
void RankedSet<Key>::Join(size_t at) {
  if (at + 1 == chunks_.size()) return;
  std::vector<Key>& keys = chunks_[at].keys;
  std::vector<Key>& upper = chunks_[at + 1].keys;
  if (keys.size() + upper.size() > Full() / 2) return;
  upper.insert(upper.end(), keys.begin(), keys.end());
  keys = std::move(upper);
  chunks_.erase(chunks_.begin() + static_cast<ptrdiff_t>(at) + 1);
}

}  // namespace penstock::dispatcher
