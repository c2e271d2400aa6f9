// Which of a user's memories matter for a text. The seam for hybrid recall: a ranker that also
// compares embeddings takes the place of the one by words.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "services/memory_recall/user_block.h"

#include "absl/time/time.h"

namespace penstock::memory_recall {

struct RankQuery {
  // HashOfWord, each once.
  std::vector<uint64_t> words = {};
  // From the Embedder; empty without one.
  std::vector<float> embedding = {};
  absl::Time now = absl::InfinitePast();
  // At most this many memories.
  size_t max_memories = 15;
  // Estimated tokens (UTF-8 bytes / 4 × 1.2) of all texts together; 0: no bound. A memory that does
  // not fit is passed over; later ones that do are taken.
  int64_t max_tokens = 0;
  // Id of a session whose memories are left out; "": none.
  std::string exclude_session = {};
};

struct RankedMemory {
  std::string id;
  double score = 0;
};

// Pure: no I/O, no clock, no thread; the same block and query give the same answer. Thread-safe.
class Ranker {
 public:
  virtual ~Ranker() = default;

  // Best first; equal scores newest first, then by id. Expired memories are left out.
  virtual std::vector<RankedMemory> Rank(const UserBlock& block, const RankQuery& query) const = 0;
};

}  // namespace penstock::memory_recall
