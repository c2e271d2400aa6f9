#include "services/memory_recall/block_cache.h"

#include <utility>

#include "absl/hash/hash.h"

namespace penstock::memory_recall {
namespace {

// What an entry takes beside its block's content: list and map nodes, an empty block.
constexpr size_t kBytesOfEntry = 512;

}  // namespace

BlockCache::BlockCache(size_t max_bytes, obs::Metrics& metrics)
    : max_bytes_(max_bytes),
      hits_(metrics.AddCounter("penstock_memory_recall_block_cache_hits_total",
                               "Recalls and searches that found the user's block in memory")),
      misses_(metrics.AddCounter("penstock_memory_recall_block_cache_misses_total",
                                 "Recalls and searches that had to read the user's block")),
      bytes_gauge_(metrics.AddGauge("penstock_memory_recall_block_cache_bytes",
                                    "Memory that ranking blocks take")) {}

std::shared_ptr<SharedBlock> BlockCache::Find(identity::UserKey user) {
  MutexLock lock(mutex_);
  const auto found = by_user_.find(user);
  if (found == by_user_.end()) {
    misses_.Increment();
    return nullptr;
  }
  hits_.Increment();
  entries_.splice(entries_.begin(), entries_, found->second);
  return found->second->block;
}

uint64_t& BlockCache::ChangesOf(identity::UserKey user) {
  return changes_[absl::HashOf(user) % changes_.size()];
}

uint64_t BlockCache::BeginLoad(identity::UserKey user) {
  MutexLock lock(mutex_);
  return ChangesOf(user);
}

std::shared_ptr<SharedBlock> BlockCache::Put(identity::UserKey user, uint64_t load,
                                             UserBlock block) {
  const size_t bytes = block.bytes();
  auto shared = std::make_shared<SharedBlock>(std::move(block));
  MutexLock lock(mutex_);
  if (ChangesOf(user) != load || by_user_.contains(user)) return shared;
  entries_.push_front({user, shared, 0});
  by_user_.emplace(user, entries_.begin());
  Resize(user, shared.get(), bytes);
  return shared;
}

void BlockCache::Changed(identity::UserKey user, const std::vector<MemoryFeatures>& added,
                         const std::vector<std::string>& removed) {
  std::shared_ptr<SharedBlock> block;
  {
    MutexLock lock(mutex_);
    ++ChangesOf(user);
    const auto found = by_user_.find(user);
    if (found == by_user_.end()) return;
    block = found->second->block;
  }
  size_t bytes = 0;
  block->Change([&](UserBlock& changing) {
    for (const auto& features : added) changing.Add(features);
    for (const auto& id : removed) changing.Remove(id);
    bytes = changing.bytes();
  });
  MutexLock lock(mutex_);
  Resize(user, block.get(), bytes);
}

void BlockCache::Resize(identity::UserKey user, const SharedBlock* block, size_t bytes) {
  const auto found = by_user_.find(user);
  if (found == by_user_.end() || found->second->block.get() != block) return;
  bytes_ -= found->second->bytes;
  found->second->bytes = bytes + kBytesOfEntry;
  bytes_ += found->second->bytes;
  Evict();
}

void BlockCache::Evict() {
  while (bytes_ > max_bytes_ && !entries_.empty()) {
    bytes_ -= entries_.back().bytes;
    by_user_.erase(entries_.back().user);
    entries_.pop_back();
  }
  bytes_gauge_.Set(static_cast<double>(bytes_));
}

}  // namespace penstock::memory_recall
