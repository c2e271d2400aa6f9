// Turns through the public API: StreamTurn over a completion queue, with one thread.
#pragma once

#include <memory>
#include <thread>
#include <unordered_set>
#include <vector>

#include <grpcpp/client_context.h>
#include <grpcpp/completion_queue.h>

#include "libs/base/mutex.h"
#include "penstock/gateway/v1/turns.grpc.pb.h"
#include "tests/bench/turns/gateway.h"
#include "tests/bench/turns/load.h"
#include "tests/bench/turns/workload.h"

namespace penstock::bench {

class TurnLoad : public Load {
 public:
  // Connections are shared by all turns. The workload outlives the load.
  TurnLoad(const Workload& workload, const Gateway& gateway, int connections);
  // Cancels what still runs.
  ~TurnLoad() override;

  void Begin(int64_t number, SteadyClock::time_point due, Observer observer) override;

 private:
  class StreamedTurn;

  void Work();
  void Remove(StreamedTurn* turn);

  const Workload& workload_;
  std::vector<std::unique_ptr<gateway::v1::Turns::Stub>> stubs_;
  grpc::CompletionQueue queue_;
  Mutex mutex_;
  CondVar idle_;
  std::unordered_set<StreamedTurn*> live_ ABSL_GUARDED_BY(mutex_);
  std::thread thread_;
};

}  // namespace penstock::bench
