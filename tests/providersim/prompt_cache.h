// What a provider keeps of prompts, so that the same beginning costs less the next time.
#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <vector>

#include "libs/base/clock.h"
#include "libs/base/mutex.h"

#include "absl/strings/string_view.h"
#include "absl/time/time.h"

namespace penstock::providersim {

enum class CacheMark { kNone, kFiveMinutes, kOneHour };

// A prompt up to the end of one of its blocks.
struct CachePrefix {
  uint64_t hash = 0;
  int64_t tokens = 0;
  // Whether it shall be kept, and how long.
  CacheMark mark = CacheMark::kNone;
};

// Tokens of one prompt.
struct CacheUse {
  int64_t read = 0;
  int64_t written_5m = 0;
  int64_t written_1h = 0;
};

// As Anthropic's: a prefix is kept at a mark, for the mark's time after its last use, for its
// account and model; a mark finds what is kept up to 20 blocks before it. Thread-safe.
class PromptCache {
 public:
  // `min_tokens`: a shorter prefix is not kept. `clock` outlives it.
  PromptCache(int64_t min_tokens, const Clock& clock) : min_tokens_(min_tokens), clock_(clock) {}

  // What a prompt with these prefixes, shortest first, would read and write now.
  CacheUse Look(absl::string_view account, absl::string_view model,
                const std::vector<CachePrefix>& prefixes) const;
  // Keeps what is marked, and what was read, for another while.
  void Keep(absl::string_view account, absl::string_view model,
            const std::vector<CachePrefix>& prefixes);

 private:
  struct Entry {
    absl::Duration lifetime;
    absl::Duration expires;
  };

  // Index of the longest prefix that is kept; -1: none.
  int Found(const std::string& owner, const std::vector<CachePrefix>& prefixes) const
      ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  void Put(const std::string& key, absl::Duration lifetime) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);

  const int64_t min_tokens_;
  const Clock& clock_;
  mutable Mutex mutex_;
  // By account, model and hash.
  std::map<std::string, Entry> entries_ ABSL_GUARDED_BY(mutex_);
};

}  // namespace penstock::providersim
