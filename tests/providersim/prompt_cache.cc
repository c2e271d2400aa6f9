#include "tests/providersim/prompt_cache.h"

#include <algorithm>

#include "absl/strings/str_cat.h"

namespace penstock::providersim {
namespace {

constexpr int kBlocksLookedBack = 20;
// Of all accounts; beyond it the one that ends first goes.
constexpr size_t kMostEntries = 10'000;

std::string OwnerOf(absl::string_view account, absl::string_view model) {
  return absl::StrCat(account, "\n", model, "\n");
}

std::string KeyOf(const std::string& owner, const CachePrefix& prefix) {
  return absl::StrCat(owner, absl::Hex(prefix.hash, absl::kZeroPad16));
}

absl::Duration LifetimeOf(CacheMark mark) {
  return mark == CacheMark::kOneHour ? absl::Hours(1) : absl::Minutes(5);
}

}  // namespace

int PromptCache::Found(const std::string& owner, const std::vector<CachePrefix>& prefixes) const {
  const absl::Duration now = clock_.Monotonic();
  for (int mark = static_cast<int>(prefixes.size()) - 1; mark >= 0; --mark) {
    if (prefixes[static_cast<size_t>(mark)].mark == CacheMark::kNone) continue;
    for (int at = mark; at >= 0 && at > mark - kBlocksLookedBack; --at) {
      const auto entry = entries_.find(KeyOf(owner, prefixes[static_cast<size_t>(at)]));
      if (entry != entries_.end() && entry->second.expires > now) return at;
    }
  }
  return -1;
}

CacheUse PromptCache::Look(absl::string_view account, absl::string_view model,
                           const std::vector<CachePrefix>& prefixes) const {
  CacheUse use;
  MutexLock lock(mutex_);
  const int found = Found(OwnerOf(account, model), prefixes);
  if (found >= 0) use.read = prefixes[static_cast<size_t>(found)].tokens;
  int64_t covered = use.read;
  for (size_t i = static_cast<size_t>(found + 1); i < prefixes.size(); ++i) {
    const CachePrefix& prefix = prefixes[i];
    if (prefix.mark == CacheMark::kNone || prefix.tokens < min_tokens_) continue;
    int64_t& written = prefix.mark == CacheMark::kOneHour ? use.written_1h : use.written_5m;
    written += prefix.tokens - covered;
    covered = prefix.tokens;
  }
  return use;
}

void PromptCache::Keep(absl::string_view account, absl::string_view model,
                       const std::vector<CachePrefix>& prefixes) {
  const std::string owner = OwnerOf(account, model);
  MutexLock lock(mutex_);
  if (const int found = Found(owner, prefixes); found >= 0) {
    Entry& entry = entries_[KeyOf(owner, prefixes[static_cast<size_t>(found)])];
    entry.expires = clock_.Monotonic() + entry.lifetime;
  }
  for (const CachePrefix& prefix : prefixes) {
    if (prefix.mark == CacheMark::kNone || prefix.tokens < min_tokens_) continue;
    Put(KeyOf(owner, prefix), LifetimeOf(prefix.mark));
  }
}

void PromptCache::Put(const std::string& key, absl::Duration lifetime) {
  if (entries_.size() >= kMostEntries && !entries_.contains(key)) {
    entries_.erase(std::min_element(
        entries_.begin(), entries_.end(),
        [](const auto& a, const auto& b) { return a.second.expires < b.second.expires; }));
  }
  entries_[key] = {.lifetime = lifetime, .expires = clock_.Monotonic() + lifetime};
}

}  // namespace penstock::providersim
