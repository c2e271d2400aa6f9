// Accepting connections up to a limit, which gRPC by itself does not know.
#pragma once

#include <functional>
#include <string>
#include <thread>

#include "libs/base/mutex.h"
#include "libs/obs/metrics.h"
#include "libs/rpc/listening_sockets.h"
#include "libs/rpc/open_connections.h"

#include "absl/time/time.h"

namespace penstock::rpc {

// One thread. Connections above the limit, and those for which the process has no descriptor left,
// are reset at once, so that their clients need not wait for an answer. One that ends makes room
// within 100 ms.
//
// Metrics: penstock_rpc_server_connections, and penstock_rpc_server_connections_refused_total by
// reason (`limit`, `descriptors`).
class AcceptLoop {
 public:
  // Takes over a descriptor: non-blocking, and close-on-exec. Called on the loop's thread.
  using HandOver = std::function<void(int connection)>;

  AcceptLoop(ListeningSockets sockets, int max_connections, HandOver hand_over,
             obs::Metrics& metrics);
  ~AcceptLoop();
  AcceptLoop(const AcceptLoop&) = delete;
  AcceptLoop& operator=(const AcceptLoop&) = delete;

  // Closes the sockets; nothing is handed over after it has returned. Open connections are counted
  // on.
  void StopAccepting();

  // Until gRPC has closed every connection, or `patience` has passed; after StopAccepting.
  void AwaitClosed(absl::Duration patience);

 private:
  enum class Phase { kAccepting, kClosing, kClosed, kDraining, kDrained, kEnding };

  void Run();
  // Waits for connections, a change of phase, or the next sweep.
  void Wait();
  void AcceptWaiting();
  // Of one listener; false when nobody waits there any more.
  bool AcceptOne(int listener);
  bool Full();
  bool Drained();
  // Closes the connection with a reset, and so leaves nothing behind in TIME_WAIT.
  void Refuse(int connection, prometheus::Counter& counter);
  // There is none for the next connection: gives up the spare one, so as to refuse it.
  bool RefuseWithoutDescriptors(int listener);
  void Sweep();
  void Enter(Phase phase);
  Phase phase();

  ListeningSockets sockets_;
  const size_t max_connections_;
  const HandOver hand_over_;
  prometheus::Gauge& open_gauge_;
  prometheus::Counter& refused_by_limit_;
  prometheus::Counter& refused_by_descriptors_;
  OpenConnections open_;
  absl::Duration last_sweep_ = absl::ZeroDuration();
  // An eventfd: a phase has changed.
  const int wake_;
  int spare_;
  Mutex mutex_;
  CondVar changed_;
  Phase phase_ ABSL_GUARDED_BY(mutex_) = Phase::kAccepting;
  // Monotonic.
  absl::Duration drain_until_ ABSL_GUARDED_BY(mutex_);
  std::thread thread_;
};

}  // namespace penstock::rpc
