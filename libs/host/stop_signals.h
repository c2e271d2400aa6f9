// SIGTERM and SIGINT, received by a thread: no code of ours runs in a signal handler.
#pragma once

#include <thread>

#include "libs/base/mutex.h"

namespace penstock::host {

// One at a time. Make it before any other thread: it blocks both signals in the calling thread, and
// threads inherit that. It ignores SIGPIPE, so that a closed socket is an error and not the end.
class StopSignals {
 public:
  StopSignals();
  // Signals are still blocked afterwards.
  ~StopSignals();
  StopSignals(const StopSignals&) = delete;
  StopSignals& operator=(const StopSignals&) = delete;

  // Waits for the first signal, which may have come already; its number. A second one ends the
  // process at once, with exit code 130.
  int WaitForFirst();

 private:
  void Receive();

  const int signals_fd_;
  const int end_fd_;
  Mutex mutex_;
  CondVar received_;
  int first_ ABSL_GUARDED_BY(mutex_) = 0;
  std::thread receiver_;
};

}  // namespace penstock::host
