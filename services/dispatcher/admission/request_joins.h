// Lets submissions that carry the same request id, at the same time, be one.
#pragma once

#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "libs/async/awaitable.h"
#include "libs/async/one_shot.h"
#include "libs/base/mutex.h"
#include "libs/identity/principal.h"

#include "absl/container/flat_hash_map.h"

namespace penstock::dispatcher {

// Thread-safe.
class RequestJoins {
 public:
  // True: the caller is the only one at work on this id, and calls End when its submission is
  // journaled or refused. Waits while somebody else is, and then answers false: look the id up
  // (again).
  Awaitable<bool> Begin(identity::UserKey user, std::string request_id);
  void End(const identity::UserKey& user, const std::string& request_id);

 private:
  using Key = std::pair<identity::UserKey, std::string>;

  Mutex mutex_;
  absl::flat_hash_map<Key, std::vector<std::shared_ptr<OneShot<bool>>>> at_work_
      ABSL_GUARDED_BY(mutex_);
};

}  // namespace penstock::dispatcher
