// The load of the dispatcher's queue, asked for again and again.
#pragma once

#include <condition_variable>
#include <mutex>
#include <optional>
#include <thread>

#include "penstock/dispatcher/v1/operations.pb.h"
#include "services/cli/connection.h"

#include "absl/status/statusor.h"
#include "absl/time/time.h"

namespace penstock::cli {

// Asks once in each interval, on a thread of its own; an answer that nobody has taken makes way for
// the next one. The methods may be called on one thread only.
class LoadFeed {
 public:
  // `connection` outlives it.
  LoadFeed(const Connection& connection, absl::Duration interval);
  // Breaks the call off that runs.
  ~LoadFeed();
  LoadFeed(const LoadFeed&) = delete;
  LoadFeed& operator=(const LoadFeed&) = delete;

  // Readable while an answer waits, for poll(2).
  int descriptor() const { return descriptor_; }
  // Waits for one.
  absl::StatusOr<dispatcher::v1::Load> Take();

 private:
  void Run();
  absl::StatusOr<dispatcher::v1::Load> Ask();

  const Connection& connection_;
  const absl::Duration interval_;
  const int descriptor_;
  // Not penstock::Mutex, whose CondVar cannot wait for a time.
  std::mutex mutex_;
  std::condition_variable changed_;
  bool stopped_ = false;
  // Of the call that runs.
  grpc::ClientContext* call_ = nullptr;
  std::optional<absl::StatusOr<dispatcher::v1::Load>> answer_;
  std::thread thread_;
};

}  // namespace penstock::cli
