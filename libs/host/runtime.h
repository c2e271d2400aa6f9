// The threads and parts of one process, and the services on them.
#pragma once

#include <memory>
#include <string>
#include <thread>
#include <vector>

#include <boost/asio/executor_work_guard.hpp>
#include <boost/asio/io_context.hpp>

#include "libs/async/bounded_executor.h"
#include "libs/async/timers.h"
#include "libs/host/admin_server.h"
#include "libs/host/environment.h"
#include "libs/host/health.h"
#include "libs/host/process.h"
#include "libs/host/service.h"

#include "absl/status/status.h"
#include "absl/strings/string_view.h"

namespace penstock::host {

// What RunProcess runs between its configuration and its signals; a test runs services on it inside
// its own process. Start and Stop on one thread, once each.
class Runtime {
 public:
  // The workers run from here to the destructor. `config` must outlive the runtime.
  Runtime(absl::string_view name, const config::v1::Config& config);
  // Stops what is running, without draining.
  ~Runtime();
  Runtime(const Runtime&) = delete;
  Runtime& operator=(const Runtime&) = delete;

  const Environment& environment() const { return environment_; }

  // Opens the admin port, makes the services and starts them in order. On an error, which names the
  // service, those that had started are stopped again.
  absl::Status Start(ServiceFactory make);

  // {"ready":"gateway","listening":["127.0.0.1:7420"],"admin":"127.0.0.1:41234"}; the admin address
  // is null when there is none.
  std::string ReadyLine() const;

  // Hands every service what it may take over while it runs. Between Start and Stop.
  void Reload(const config::v1::Config& config);

  // Not ready, `drain.delay`, then Drain and Stop of each service in reverse order, so that who
  // calls has gone before who is called; the drains within `drain.timeout` in all.
  void Stop();

 private:
  absl::Status OpenAdmin();
  absl::Status StartServices();
  void DrainAndStopServices();
  void StopServices();

  const std::string name_;
  const config::v1::Config& config_;
  obs::Metrics metrics_;
  Health health_;
  boost::asio::io_context io_;
  boost::asio::executor_work_guard<boost::asio::io_context::executor_type> work_;
  AsioTimers timers_;
  BoundedExecutor blocking_;
  const Environment environment_;
  std::vector<std::thread> workers_;
  std::unique_ptr<AdminServer> admin_;
  std::vector<std::unique_ptr<Service>> services_;
  // So many, from the first, have started and were not stopped.
  size_t running_ = 0;
};

}  // namespace penstock::host
