// How long the answers of an agent are, so that no more is reserved for one than it may need.
#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <string>
#include <utility>

#include "libs/base/mutex.h"

#include "absl/container/flat_hash_map.h"
#include "absl/container/flat_hash_set.h"
#include "absl/strings/string_view.h"

namespace penstock::dispatcher {

// The 99.9th percentile of the output tokens of the answers to a tenant by an agent, rounded up by
// at most a fifth: counts in buckets, four to an octave, halved at 20,000. Of at most 10,000 pairs.
// Thread-safe.
class OutputBounds {
 public:
  // Nullopt until 1,000 answers were seen.
  std::optional<int64_t> Bound(const std::string& tenant, const std::string& agent) const;
  void Learn(const std::string& tenant, const std::string& agent, int64_t output_tokens);

  // The model has refused to go on with an answer that was cut: none of its answers is bounded any
  // more, in this life of the process.
  void Forbid(const std::string& model);
  bool MayBound(const std::string& model) const;

 private:
  // Up to 2^30 tokens.
  struct Answers {
    std::array<uint32_t, 121> counts = {};
    uint32_t all = 0;
  };
  using Key = std::pair<std::string, std::string>;

  mutable Mutex mutex_;
  absl::flat_hash_map<Key, Answers> answers_ ABSL_GUARDED_BY(mutex_);
  absl::flat_hash_set<std::string> forbidden_ ABSL_GUARDED_BY(mutex_);
};

}  // namespace penstock::dispatcher
