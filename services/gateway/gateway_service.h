// The RPC rim of the public services: decode, ask the core, encode. For gateway_process.cc.
#pragma once

#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "libs/rpc/method.h"
#include "services/gateway/backlog.h"
#include "services/gateway/gate.h"
#include "services/gateway/memories_rpc.h"
#include "services/gateway/operations_rpc.h"
#include "services/gateway/refusal_counter.h"
#include "services/gateway/sessions_rpc.h"
#include "services/gateway/turns_rpc.h"

namespace grpc {
class Service;
}

namespace penstock::gateway {

// Requests are decoded here and not by gRPC, which answers UNIMPLEMENTED to what it cannot decode:
// a request above server.max_request_bytes is TOO_LARGE, bytes that are no such message, and text
// that is not UTF-8, are FIELD_INVALID. Both only after the caller's token was accepted.
class GatewayService {
 public:
  // The references outlive the server that the services are registered with.
  struct Parts {
    const rpc::ServerEnvironment& rpc;
    Gate& gate;
    Backlog& backlog;
    const RefusalCounter& refusals;
    TurnsRpc& turns;
    SessionsRpc& sessions;
    MemoriesRpc& memories;
    OperationsRpc& operations;
    // Of one request, in its encoding.
    uint64_t max_request_bytes;
  };

  explicit GatewayService(const Parts& parts);
  ~GatewayService();

  std::vector<grpc::Service*> services() const;

 private:
  class Turns;
  class Sessions;
  class Memories;
  class Operations;

  const Parts parts_;
  const std::unique_ptr<Turns> turns_;
  const std::unique_ptr<Sessions> sessions_;
  const std::unique_ptr<Memories> memories_;
  const std::unique_ptr<Operations> operations_;
};

}  // namespace penstock::gateway
