// A sorted set that counts how many of its keys come before one.
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <numeric>
#include <utility>
#include <vector>

#include "services/dispatcher/queue/sorted_chunk.h"

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
  const Key& front() const { return chunks_.front().first(); }

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
  using Chunk = SortedChunk<Key>;

  // The most that a chunk may grow to. Neighbours are joined below half of it.
  size_t Full() const { return size_ < 8192 ? 64 : 256; }
  // The last chunk that begins with this key or a lesser one, else the first chunk.
  size_t ChunkOf(const Key& key) const;
  // Makes room for the key in a chunk that is full; the chunk where it belongs now.
  size_t MakeRoom(size_t at, const Key& key);
  // Joins a chunk and its successor if they are small.
  void Join(size_t at);
  void AddChunk(size_t at, Chunk chunk);
  void DropChunk(size_t at);
  void Count(size_t at) { sizes_[at] = static_cast<uint16_t>(chunks_[at].size()); }

  // Not empty between calls.
  std::vector<Chunk> chunks_;
  // Of the chunks: what Before adds up lies together.
  std::vector<uint16_t> sizes_;
  size_t size_ = 0;
};

template <class Key>
class RankedSet<Key>::Cursor {
 public:
  explicit Cursor(const RankedSet& set) : chunks_(&set.chunks_) {}

  // Null: there is nothing more.
  const Key* Peek() const {
    return chunk_ == chunks_->size() ? nullptr : &(*chunks_)[chunk_].At(at_);
  }
  void Next() {
    if (++at_ < (*chunks_)[chunk_].size()) return;
    ++chunk_;
    at_ = 0;
  }

 private:
  const std::vector<Chunk>* chunks_;
  size_t chunk_ = 0;
  size_t at_ = 0;
};

template <class Key>
void RankedSet<Key>::Insert(const Key& key) {
  if (chunks_.empty()) AddChunk(0, {});
  size_t at = ChunkOf(key);
  if (chunks_[at].size() >= Full()) at = MakeRoom(at, key);
  chunks_[at].Insert(key);
  Count(at);
  ++size_;
}

template <class Key>
void RankedSet<Key>::Erase(const Key& key) {
  const size_t at = ChunkOf(key);
  chunks_[at].Erase(key);
  --size_;
  if (chunks_[at].empty()) return DropChunk(at);
  Count(at);
  if (chunks_[at].size() >= Full() / 4) return;
  Join(at);
  if (at > 0) Join(at - 1);
}

template <class Key>
size_t RankedSet<Key>::Before(const Key& key) const {
  if (chunks_.empty()) return 0;
  const size_t at = ChunkOf(key);
  return std::accumulate(sizes_.begin(), sizes_.begin() + static_cast<ptrdiff_t>(at),
                         chunks_[at].Before(key));
}

template <class Key>
const Key* RankedSet<Key>::Previous(const Key& key) const {
  if (chunks_.empty()) return nullptr;
  const size_t at = ChunkOf(key);
  if (const size_t before = chunks_[at].Before(key)) return &chunks_[at].At(before - 1);
  return at == 0 ? nullptr : &chunks_[at - 1].last();
}

template <class Key>
size_t RankedSet<Key>::ChunkOf(const Key& key) const {
  if (chunks_.size() < 2) return 0;
  const auto next = std::upper_bound(
      chunks_.begin(), chunks_.end(), key,
      [](const Key& sought, const Chunk& chunk) { return sought < chunk.first(); });
  return next == chunks_.begin() ? 0 : static_cast<size_t>(next - chunks_.begin()) - 1;
}

// What grows at its end (keys of equal rank, in order of arrival) fills its chunks to the brim.
template <class Key>
size_t RankedSet<Key>::MakeRoom(size_t at, const Key& key) {
  if (chunks_[at].last() < key) {
    const bool next_has_room = at + 1 < chunks_.size() && chunks_[at + 1].size() < Full();
    if (!next_has_room) AddChunk(at + 1, {});
    return at + 1;
  }
  Chunk upper = chunks_[at].TakeUpper();
  const bool belongs_lower = key < upper.first();
  Count(at);
  AddChunk(at + 1, std::move(upper));
  return belongs_lower ? at : at + 1;
}

template <class Key>
void RankedSet<Key>::Join(size_t at) {
  if (at + 1 == chunks_.size()) return;
  if (chunks_[at].size() + chunks_[at + 1].size() > Full() / 2) return;
  chunks_[at].Append(std::move(chunks_[at + 1]));
  Count(at);
  DropChunk(at + 1);
}

template <class Key>
void RankedSet<Key>::AddChunk(size_t at, Chunk chunk) {
  const auto place = static_cast<ptrdiff_t>(at);
  sizes_.insert(sizes_.begin() + place, static_cast<uint16_t>(chunk.size()));
  chunks_.insert(chunks_.begin() + place, std::move(chunk));
}

template <class Key>
void RankedSet<Key>::DropChunk(size_t at) {
  const auto place = static_cast<ptrdiff_t>(at);
  sizes_.erase(sizes_.begin() + place);
  chunks_.erase(chunks_.begin() + place);
}

}  // namespace penstock::dispatcher
