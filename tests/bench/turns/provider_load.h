// The same load without Penstock: HTTP straight to the provider simulator, with one thread.
#pragma once

#include <memory>
#include <string>
#include <thread>
#include <unordered_map>
#include <vector>

#include "libs/base/mutex.h"
#include "tests/bench/turns/load.h"

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"

namespace penstock::bench {

// The smallest client that tells the truth: connections are kept, an answer is whole when its last
// chunk has come, and its first token is there when "t1" is.
class ProviderLoad : public Load {
 public:
  // `address`: "127.0.0.1:PORT". Every turn sends the same `body`.
  static absl::StatusOr<std::unique_ptr<ProviderLoad>> Create(absl::string_view address,
                                                              absl::string_view body);
  // No turn runs any more.
  ~ProviderLoad() override;

  void Begin(int64_t number, SteadyClock::time_point due, Observer observer) override;

 private:
  struct Connection;

  ProviderLoad(int port, std::string request);

  // nullptr when the provider takes no connection.
  Connection* Take();
  void Work();
  // Takes in what has come.
  void Receive(Connection& connection);
  void End(Connection& connection, std::string error);

  const int port_;
  const std::string request_;
  const int epoll_;
  const int stop_;
  Mutex mutex_;
  std::vector<Connection*> idle_ ABSL_GUARDED_BY(mutex_);
  std::unordered_map<Connection*, std::unique_ptr<Connection>> all_ ABSL_GUARDED_BY(mutex_);
  std::thread thread_;
};

}  // namespace penstock::bench
