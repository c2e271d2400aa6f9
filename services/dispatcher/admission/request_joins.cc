#include "services/dispatcher/admission/request_joins.h"

namespace penstock::dispatcher {

Awaitable<bool> RequestJoins::Begin(identity::UserKey user, std::string request_id) {
  std::shared_ptr<OneShot<bool>> ended;
  {
    MutexLock lock(mutex_);
    const auto [found, first] = at_work_.try_emplace(Key(user, std::move(request_id)));
    if (!first) {
      ended = std::make_shared<OneShot<bool>>();
      found->second.push_back(ended);
    }
  }
  if (ended == nullptr) co_return true;
  co_await ended->Wait();
  co_return false;
}

void RequestJoins::End(const identity::UserKey& user, const std::string& request_id) {
  std::vector<std::shared_ptr<OneShot<bool>>> waiters;
  {
    MutexLock lock(mutex_);
    const auto found = at_work_.find(Key(user, request_id));
    if (found == at_work_.end()) return;
    waiters = std::move(found->second);
    at_work_.erase(found);
  }
  for (const auto& waiter : waiters) waiter->Set(true);
}

}  // namespace penstock::dispatcher
