// What a shard knows of the sessions it has met lately: whether they exist, who answers in them,
// and which of their turns are live.
#pragma once

#include <cstdint>
#include <list>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "libs/async/one_shot.h"
#include "libs/identity/principal.h"
#include "services/dispatcher/turn/session_line.h"

#include "absl/container/flat_hash_map.h"
#include "absl/status/status.h"

namespace penstock::dispatcher {

using SessionKey = std::pair<identity::UserKey, std::string>;

struct SessionEntry {
  explicit SessionEntry(SessionKey session) : key(std::move(session)) {}

  const SessionKey key;
  // The fields below are session-state's answer, as long as it is not stale.
  bool resolved = false;
  bool exists = false;
  std::string agent;
  // Highest sequence that any turn of the session was given.
  int64_t last_sequence = 0;
  SessionLine line;
  // A resolution is under way; these wait for it.
  bool resolving = false;
  std::vector<std::shared_ptr<OneShot<absl::Status>>> waiters;
};

// Forgets the least recently used sessions that have no live turn and that nobody holds. Not
// thread-safe: the shard's lock guards it.
class SessionTable {
 public:
  explicit SessionTable(size_t max_idle) : max_idle_(max_idle) {}

  // The session's entry, made if there is none. It stays while it is held.
  std::shared_ptr<SessionEntry> Get(const SessionKey& key);
  // Null when there is none.
  std::shared_ptr<SessionEntry> Find(const SessionKey& key) const;
  // What session-state says may have changed. An entry without live turns goes.
  void Forget(const SessionKey& key);

  size_t size() const { return entries_.size(); }

 private:
  using Recency = std::list<std::shared_ptr<SessionEntry>>;

  void Evict();

  const size_t max_idle_;
  Recency recency_;  // newest first
  absl::flat_hash_map<SessionKey, Recency::iterator> entries_;
};

}  // namespace penstock::dispatcher
