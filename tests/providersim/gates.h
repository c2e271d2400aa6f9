// Gates hold a stream back until its reader has said, out of band, what it has seen.
#pragma once

#include <functional>
#include <map>
#include <string>
#include <utility>
#include <vector>

#include "libs/base/mutex.h"

#include "absl/strings/string_view.h"

namespace penstock::providersim {

// Thread-safe. A gate exists from its first use on; its count only rises.
class Gates {
 public:
  // True when `acknowledged` >= count. Else false, and `wake` is called once, from any thread, when
  // that may have become true.
  bool Passed(absl::string_view id, int count, std::function<void()> wake);
  void Acknowledge(absl::string_view id, int acknowledged);
  // {"gate":id,"acknowledged":N,"waiting":N}
  std::string Json(absl::string_view id) const;

 private:
  struct Gate {
    int acknowledged = 0;
    std::vector<std::pair<int, std::function<void()>>> waiters;
  };

  mutable Mutex mutex_;
  std::map<std::string, Gate, std::less<>> gates_ ABSL_GUARDED_BY(mutex_);
};

}  // namespace penstock::providersim
