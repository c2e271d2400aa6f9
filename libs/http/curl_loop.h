// The thread of CurlClient. It sleeps in epoll until a socket stirs, a time limit passes, or
// somebody starts or cancels a request.
#pragma once

#include <atomic>
#include <memory>
#include <set>
#include <thread>
#include <utility>
#include <vector>

#include "libs/base/clock.h"
#include "libs/base/mutex.h"
#include "libs/http/curl_client.h"
#include "libs/http/curl_pool.h"
#include "libs/http/curl_sockets.h"
#include "libs/http/curl_transfer.h"
#include "libs/http/loop_timers.h"

#include "absl/container/flat_hash_map.h"
#include "absl/time/time.h"

namespace penstock::http {

// Start, Cancel and timers() are thread-safe; the rest runs on the thread.
class CurlLoop {
 public:
  CurlLoop(const CurlClientOptions& options, Clock& clock);
  ~CurlLoop();

  HttpCallId Start(HttpRequest request, std::shared_ptr<HttpObserver> observer);
  void Cancel(HttpCallId call);
  Timers& timers() { return timers_; }

 private:
  // With an observer: start. Without: cancel.
  struct Command {
    HttpCallId call = 0;
    HttpRequest request;
    std::shared_ptr<HttpObserver> observer;
  };

  void Post(Command command);
  void Wake();
  void Run();
  // Milliseconds until something is due; -1: nothing is. Rounded up, so that it does not spin.
  int SleepTime();
  void WaitForEvents();
  void RunCommands();
  void RunCurlTimers();
  void ReadResults();
  void CheckLimits();
  void StartNow(Command command);
  CurlPool& PoolOf(const HttpRequest& request);
  void Arm(CurlTransfer& transfer, absl::Duration due);
  // Takes the transfer out of libcurl (one under way loses its connection or stream), and tells.
  void End(CurlTransfer& transfer, HttpOutcome outcome);
  void CancelAll();

  Clock& clock_;
  CurlSockets sockets_;
  const int wake_fd_;
  LoopTimers timers_;
  absl::Duration now_;
  const std::shared_ptr<const HttpTransport> own_transport_;
  std::vector<CurlTransfer*> hurried_;
  const TransferOptions transfer_options_;
  // A pool for each transport that a request has named.
  absl::flat_hash_map<const HttpTransport*, std::unique_ptr<CurlPool>> pools_;
  absl::flat_hash_map<HttpCallId, CurlTransfer*> running_;
  std::set<std::pair<absl::Duration, CurlTransfer*>> limits_;
  std::vector<Command> batch_;

  std::atomic<HttpCallId> next_call_ = 1;
  // The thread sleeps, or is about to: who has something for it must write to wake_fd_.
  std::atomic<bool> asleep_ = false;
  std::atomic<bool> stopping_ = false;
  Mutex mutex_;
  std::vector<Command> commands_ ABSL_GUARDED_BY(mutex_);
  std::thread thread_;
};

}  // namespace penstock::http
