// Memories in a map, for tests: the contract of MemoryStore and nothing of a database.
#pragma once

#include <algorithm>
#include <functional>
#include <map>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "libs/base/ids.h"
#include "libs/base/mutex.h"
#include "libs/base/proto_time.h"
#include "services/memory_recall/memory_features.h"
#include "services/memory_recall/memory_refusals.h"
#include "services/memory_recall/memory_store.h"

namespace penstock::memory_recall {

// Thread-safe.
class FakeMemoryStore : public MemoryStore {
 public:
  // Called in LoadBlock after the block was read: what a slow read lets happen meanwhile.
  std::function<void()> after_load = [] {};

  Awaitable<absl::StatusOr<Ingested>> Ingest(identity::UserKey user, IngestArgs args) override {
    MutexLock lock(mutex_);
    User& kept = users_[user];
    if (!kept.turns.insert(args.turn).second) co_return Ingested{};
    const size_t room =
        static_cast<size_t>(std::max<int64_t>(args.max_memories - CreatedBy(kept), 0));
    Ingested result{.written = std::min(args.memories.size(), room)};
    result.evicted = Evict(kept, args.max_memories - static_cast<int64_t>(result.written));
    for (size_t i = 0; i < result.written; ++i) Add(kept, std::move(args.memories[i]));
    co_return result;
  }

  Awaitable<absl::StatusOr<Created>> Create(identity::UserKey user, CreateArgs args) override {
    MutexLock lock(mutex_);
    User& kept = users_[user];
    const auto known = kept.requests.find(args.request_id);
    if (!args.request_id.empty() && known != kept.requests.end() &&
        known->second.expire_time > args.now) {
      if (known->second.body_hash != args.body_hash) co_return RequestIdReused(args.request_id);
      const auto found = kept.memories.find(known->second.id);
      if (found == kept.memories.end() || IsExpired(found->second, args.now)) {
        co_return MemoryNotFound(MemoryName(known->second.id));
      }
      co_return Created{.memory = found->second.record.memory()};
    }
    if (CreatedBy(kept) >= args.max_memories) co_return MemoryLimit(args.max_memories);
    Created result{.memory = args.memory.record.memory(), .created = true};
    result.evicted = Evict(kept, args.max_memories - 1);
    kept.requests[args.request_id] = {args.memory.id, args.body_hash,
                                      args.now + args.request_id_ttl};
    Add(kept, std::move(args.memory));
    co_return result;
  }

  Awaitable<absl::StatusOr<std::vector<chat::v1::Memory>>> Read(identity::UserKey user,
                                                                std::vector<std::string> ids,
                                                                absl::Time now) override {
    MutexLock lock(mutex_);
    std::vector<chat::v1::Memory> memories;
    for (const auto& id : ids) {
      const auto found = users_[user].memories.find(id);
      if (found == users_[user].memories.end() || IsExpired(found->second, now)) continue;
      memories.push_back(found->second.record.memory());
    }
    co_return memories;
  }

  Awaitable<absl::StatusOr<Page>> List(identity::UserKey user, ListArgs args) override {
    MutexLock lock(mutex_);
    const auto& memories = users_[user].memories;
    auto end = args.before_id.empty() ? memories.end() : memories.lower_bound(args.before_id);
    Page page;
    size_t bytes = 0;
    while (end != memories.begin() && !page.more) {
      const auto& memory = (--end)->second;
      if (IsExpired(memory, args.now)) continue;
      bytes += memory.record.memory().ByteSizeLong();
      page.more = page.memories.size() == args.page_size ||
                  (bytes > args.max_bytes && !page.memories.empty());
      if (!page.more) page.memories.push_back(memory.record.memory());
    }
    co_return page;
  }

  Awaitable<absl::StatusOr<std::optional<chat::v1::Memory>>> Delete(identity::UserKey user,
                                                                    std::string id,
                                                                    absl::Time now) override {
    MutexLock lock(mutex_);
    auto& memories = users_[user].memories;
    const auto found = memories.find(id);
    if (found == memories.end() || IsExpired(found->second, now)) co_return std::nullopt;
    co_return std::move(memories.extract(found).mapped().record.memory());
  }

  Awaitable<absl::StatusOr<UserBlock>> LoadBlock(identity::UserKey user) override {
    UserBlock block;
    {
      MutexLock lock(mutex_);
      for (const auto& [id, memory] : users_[user].memories) {
        block.Add(FeaturesOf(id, memory.ranking));
      }
    }
    after_load();
    co_return block;
  }

  Awaitable<absl::StatusOr<size_t>> Sweep(absl::Time now, size_t limit) override {
    MutexLock lock(mutex_);
    size_t swept = 0;
    for (auto& [user, kept] : users_) {
      swept += std::erase_if(kept.memories, [&](const auto& entry) {
        return swept < limit && IsExpired(entry.second, now - absl::Minutes(1));
      });
      swept += std::erase_if(kept.requests, [&](const auto& entry) {
        return entry.second.expire_time + absl::Minutes(1) <= now;
      });
    }
    co_return swept;
  }

 private:
  struct Request {
    std::string id;
    std::string body_hash;
    absl::Time expire_time;
  };
  struct User {
    std::map<std::string, NewMemory> memories;
    std::set<std::string> turns;
    std::map<std::string, Request> requests;
  };

  static bool IsIngested(const NewMemory& memory) {
    return !memory.record.memory().source_turn().empty();
  }
  static bool IsExpired(const NewMemory& memory, absl::Time now) {
    return memory.record.memory().has_expire_time() &&
           FromProto(memory.record.memory().expire_time()) <= now;
  }
  static int64_t CreatedBy(const User& user) {
    return std::count_if(user.memories.begin(), user.memories.end(),
                         [](const auto& entry) { return !IsIngested(entry.second); });
  }
  static void Add(User& user, NewMemory memory) {
    const std::string id = memory.id;
    user.memories.emplace(id, std::move(memory));
  }
  static std::vector<std::string> Evict(User& user, int64_t keep) {
    std::vector<std::string> evicted;
    for (auto it = user.memories.begin(); it != user.memories.end();) {
      if (static_cast<int64_t>(user.memories.size()) <= keep) break;
      if (!IsIngested(it->second)) {
        ++it;
        continue;
      }
      evicted.push_back(it->first);
      it = user.memories.erase(it);
    }
    return evicted;
  }

  Mutex mutex_;
  std::map<identity::UserKey, User> users_ ABSL_GUARDED_BY(mutex_);
};

}  // namespace penstock::memory_recall
