// SIGTERM, SIGINT and SIGHUP, received by a thread: no code of ours runs in a signal handler.
#pragma once

#include <thread>

#include "libs/base/mutex.h"

namespace penstock::host {

// One at a time. Make it before any other thread: it blocks the signals in the calling thread, and
// threads inherit that. It ignores SIGPIPE, so that a closed socket is an error and not the end.
class ProcessSignals {
 public:
  ProcessSignals();
  // Signals are still blocked afterwards.
  ~ProcessSignals();
  ProcessSignals(const ProcessSignals&) = delete;
  ProcessSignals& operator=(const ProcessSignals&) = delete;

  // Waits for a signal, which may have come already; its number. Several SIGHUP that nobody waited
  // for are one. After SIGTERM or SIGINT it answers that alone; a second of them ends the process
  // at once, with exit code 130.
  int Next();

 private:
  void Receive();

  const int signals_fd_;
  const int end_fd_;
  Mutex mutex_;
  CondVar received_;
  bool hangup_ ABSL_GUARDED_BY(mutex_) = false;
  // SIGTERM or SIGINT; 0: none yet.
  int stop_ ABSL_GUARDED_BY(mutex_) = 0;
  std::thread receiver_;
};

}  // namespace penstock::host
