// What a shard learns of sessions from session-state, and tells it.

#include <algorithm>
#include <utility>

#include "libs/async/status_macros.h"
#include "libs/base/ids.h"
#include "services/dispatcher/queue/shard.h"

namespace penstock::dispatcher {

Awaitable<absl::StatusOr<std::shared_ptr<SessionEntry>>> Shard::Resolve(SessionKey key,
                                                                        PeerCall call) {
  std::shared_ptr<SessionEntry> entry;
  std::shared_ptr<OneShot<absl::Status>> resolved;
  {
    MutexLock lock(mutex_);
    entry = sessions_.Get(key);
    if (entry->resolved) co_return entry;
    if (entry->resolving) {
      resolved = std::make_shared<OneShot<absl::Status>>();
      entry->waiters.push_back(resolved);
    }
    entry->resolving = true;
  }
  if (resolved != nullptr) {
    PENSTOCK_CO_RETURN_IF_ERROR(co_await resolved->Wait());
    co_return entry;
  }
  session::v1::ResolveSessionRequest request;
  request.set_session(SessionName(key.second));
  const auto answer =
      co_await context_.services.peers.session.ResolveSession(std::move(call), std::move(request));
  std::vector<std::shared_ptr<OneShot<absl::Status>>> waiters;
  {
    MutexLock lock(mutex_);
    entry->resolving = false;
    waiters = std::move(entry->waiters);
    if (answer.ok()) {
      // A session that does not exist may be made at any time, so that answer is not kept.
      entry->resolved = answer->exists();
      entry->exists = answer->exists() || !entry->line.empty();
      entry->agent = answer->agent();
      entry->last_sequence = std::max(entry->last_sequence, answer->last_sequence());
    }
  }
  for (const auto& waiter : waiters) waiter->Set(answer.status());
  PENSTOCK_CO_RETURN_IF_ERROR(answer.status());
  co_return entry;
}

Awaitable<absl::Status> Shard::Create(std::shared_ptr<SessionEntry> entry, std::string agent,
                                      PeerCall call) {
  session::v1::EnsureSessionRequest request;
  request.set_session(SessionName(entry->key.second));
  request.set_agent(agent);
  const auto ensured =
      co_await context_.services.peers.session.EnsureSession(std::move(call), std::move(request));
  PENSTOCK_CO_RETURN_IF_ERROR(ensured.status());
  MutexLock lock(mutex_);
  entry->exists = true;
  if (ensured->created()) {
    entry->resolved = true;
    entry->agent = std::move(agent);
  }
  co_return absl::OkStatus();
}

bool Shard::Exists(const SessionEntry& entry) const {
  MutexLock lock(mutex_);
  return entry.exists;
}

bool Shard::HadTurns(const SessionEntry& entry) const {
  MutexLock lock(mutex_);
  return entry.last_sequence > 0;
}

std::string Shard::AgentOf(const SessionEntry& entry) const {
  MutexLock lock(mutex_);
  return entry.agent;
}

}  // namespace penstock::dispatcher
