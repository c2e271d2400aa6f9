// Text → a vector whose neighbours mean something alike. The other seam for hybrid recall.
#pragma once

#include <string>
#include <vector>

#include "libs/async/awaitable.h"

#include "absl/status/statusor.h"

namespace penstock::memory_recall {

// Thread-safe.
class Embedder {
 public:
  virtual ~Embedder() = default;

  // Always of the same length. An error degrades recall to words and a new memory to one that only
  // words find; it fails neither.
  virtual Awaitable<absl::StatusOr<std::vector<float>>> Embed(std::string text) = 0;
};

}  // namespace penstock::memory_recall
