// API keys whose files change while the process runs.
#pragma once

#include <optional>
#include <stop_token>
#include <string>
#include <vector>

#include <sys/stat.h>

#include "libs/async/awaitable.h"
#include "libs/async/bounded_executor.h"
#include "libs/async/timers.h"
#include "libs/obs/metrics.h"
#include "services/provider_adapter/routes.h"

#include "absl/time/time.h"

namespace penstock::provider_adapter {

// Between two looks at the files.
inline constexpr absl::Duration kKeyLookInterval = absl::Seconds(2);

// Not thread-safe.
class ApiKeyReload {
 public:
  // `routes` and `metrics` outlive this.
  ApiKeyReload(const Routes& routes, obs::Metrics& metrics);

  // Reads each file that has changed since the last look; calls that begin from now on go out with
  // the new key. With a file that cannot be used the old key stays: that is counted, said in the
  // log once, and tried again at the next look. Waits for the disk.
  void Look();
  // No provider has its key from a file.
  bool idle() const { return watched_.empty(); }

 private:
  // What tells one state of a file from another.
  struct Signature {
    dev_t device = 0;
    ino_t inode = 0;
    off_t size = 0;
    int64_t changed_ns = 0;

    bool operator==(const Signature&) const = default;
  };
  struct Watched {
    ProviderRoute* provider = nullptr;
    std::optional<Signature> seen = {};
    // What the log was last told; empty: the file is right.
    std::string fault = {};
    prometheus::Counter* reloads = nullptr;
    prometheus::Counter* failures = nullptr;
  };

  static std::optional<Signature> SignatureOf(const std::string& file);
  static void LookAt(Watched& watched);

  std::vector<Watched> watched_;
};

// Looks on `blocking` every kKeyLookInterval until `stop`; ends at once when there is no file. What
// is referred to outlives it.
Awaitable<void> WatchApiKeys(ApiKeyReload& reload, Timers& timers, BoundedExecutor& blocking,
                             std::stop_token stop);

}  // namespace penstock::provider_adapter
