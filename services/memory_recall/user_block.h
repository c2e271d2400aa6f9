// What ranking knows of one user's memories: an inverted index over their words.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "absl/container/flat_hash_map.h"
#include "absl/container/inlined_vector.h"
#include "absl/strings/string_view.h"
#include "absl/time/time.h"
#include "absl/types/span.h"

namespace penstock::memory_recall {

struct WordCount {
  uint64_t word = 0;    // HashOfWord
  uint32_t spoken = 0;  // in what the user said: the memory's text
  uint32_t answer = 0;  // in what the assistant answered
};

// One memory, as ranking sees it.
struct MemoryFeatures {
  std::string id = {};
  absl::Time create_time = absl::UnixEpoch();
  absl::Time expire_time = absl::InfiniteFuture();
  // Empty for a memory that no turn left.
  std::string session = {};
  uint32_t text_bytes = 0;
  // Each word once.
  std::vector<WordCount> words = {};
  // From the Embedder; empty without one.
  std::vector<float> embedding = {};
};

// A value: not thread-safe, no I/O. Memories are known by slots, small numbers that are used again
// after a removal.
class UserBlock {
 public:
  using Slot = uint32_t;
  static constexpr Slot kNone = ~Slot{0};

  struct Posting {
    Slot slot;
    uint16_t spoken;
    uint16_t answer;
  };

  struct Memory {
    std::string id;  // empty: the slot is free
    absl::Time create_time;
    absl::Time expire_time;
    std::string session;
    uint32_t text_bytes = 0;
    uint32_t spoken_words = 0;
    uint32_t answer_words = 0;
    // The memory before and after it in its session, by time, then id.
    Slot previous = kNone;
    Slot next = kNone;
    std::vector<float> embedding;
  };

  // Nothing happens when the id is there already.
  void Add(MemoryFeatures features);
  // Nothing happens when it is not there. Costs as much as the block is large.
  void Remove(absl::string_view id);

  // All slots, free ones among them.
  absl::Span<const Memory> memories() const { return memories_; }
  // In which memories a word stands; in no order.
  absl::Span<const Posting> PostingsOf(uint64_t word) const;

  // Memories, without free slots.
  size_t size() const { return slots_.size(); }
  // Words of all memories.
  uint64_t spoken_words() const { return spoken_words_; }
  uint64_t answer_words() const { return answer_words_; }
  // About what this takes in memory.
  size_t bytes() const { return bytes_; }

 private:
  // Most words stand in one or two memories.
  using Postings = absl::InlinedVector<Posting, 2>;

  void Index(Slot slot, absl::Span<const WordCount> words);
  void Link(Slot slot);
  void Unlink(Slot slot);
  static size_t BytesOf(const Memory& memory);

  std::vector<Memory> memories_;
  std::vector<Slot> free_;
  absl::flat_hash_map<std::string, Slot> slots_;
  absl::flat_hash_map<uint64_t, Postings> postings_;
  // The memories of each session in order.
  absl::flat_hash_map<std::string, std::vector<Slot>> sessions_;
  uint64_t spoken_words_ = 0;
  uint64_t answer_words_ = 0;
  size_t bytes_ = 0;
};

}  // namespace penstock::memory_recall
