// What ranking knows of one user's memories: which words stand in them, and how often.
//
// A forward index in two flat arrays. Ranking runs over all words of the user, about a nanosecond
// each, which for one user is as fast as an inverted index, takes a third of its memory, and costs
// next to nothing to build: a block that is not in memory is read and used at once.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "absl/container/flat_hash_map.h"
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

// A value: not thread-safe, no I/O.
class UserBlock {
 public:
  // The place of a memory. Any change of the block may move it.
  using Slot = uint32_t;
  static constexpr Slot kNone = ~Slot{0};

  // The lower half of HashOfWord: two of one user's 30,000 words are the same by chance in one of
  // ten users, and then add a little to a score.
  using Word = uint32_t;

  // How often a word stands in one memory; 255 means that or more.
  struct Count {
    uint8_t spoken;
    uint8_t answer;
  };

  struct Memory {
    std::string id;  // empty: removed
    absl::Time create_time;
    absl::Time expire_time;
    // SessionKey of its session; 0 without one.
    uint64_t session = 0;
    uint32_t text_bytes = 0;
    uint32_t spoken_words = 0;
    uint32_t answer_words = 0;
    // The memory before and after it in its session, by time, then id.
    Slot previous = kNone;
    Slot next = kNone;
    // Its different words: where they begin in words(), and how many they are.
    uint32_t first_word = 0;
    uint32_t different_words = 0;
    std::vector<float> embedding;
  };

  // Nothing happens when the id is there already.
  void Add(const MemoryFeatures& features);
  // Nothing happens when it is not there.
  void Remove(absl::string_view id);

  // All slots, removed memories among them.
  absl::Span<const Memory> memories() const { return memories_; }
  // Of all memories, one after another, and beside each word its count.
  absl::Span<const Word> words() const { return words_; }
  absl::Span<const Count> counts() const { return counts_; }

  // Memories, without removed ones.
  size_t size() const { return slots_.size(); }
  // Words of all memories, with repetitions.
  uint64_t spoken_words() const { return spoken_words_; }
  uint64_t answer_words() const { return answer_words_; }
  // About what this takes in memory.
  size_t bytes() const;

  // Sessions stand for 64 bits of their id's hash; 0 for "".
  static uint64_t SessionKey(absl::string_view session);

 private:
  void AppendWords(absl::Span<const WordCount> words, Memory& memory);
  void Link(Slot slot);
  void Unlink(const Memory& memory, Slot slot);
  // Gives back what removed memories still take.
  void Compact();

  std::vector<Memory> memories_;
  std::vector<Word> words_;
  std::vector<Count> counts_;
  // By the hash of the id.
  absl::flat_hash_map<uint64_t, Slot> slots_;
  // The memories of each session in order.
  absl::flat_hash_map<uint64_t, std::vector<Slot>> sessions_;
  uint64_t spoken_words_ = 0;
  uint64_t answer_words_ = 0;
  // Of ids and embeddings, outside of memories_.
  size_t heap_bytes_ = 0;
};

}  // namespace penstock::memory_recall
