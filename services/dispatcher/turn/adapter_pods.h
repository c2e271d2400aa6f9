// The provider-adapters, over gRPC: calls go to those that there are, and that are well.
//
// A call that a pod does not take, because it is full or cannot be reached, is offered to each of
// the others before anybody hears of it. Pods come and go while calls run: one that is gone, or
// that drains, gets no new calls and ends those that it has.
#pragma once

#include <functional>
#include <memory>
#include <string>

#include "libs/async/timers.h"
#include "libs/base/clock.h"
#include "libs/identity/grant.h"
#include "libs/obs/metrics.h"
#include "penstock/config/v1/config.pb.h"
#include "services/dispatcher/turn/adapter_lookup.h"
#include "services/dispatcher/turn/peers.h"

namespace grpc {
class Channel;
}

namespace penstock::dispatcher {

// Thread-safe. Its end waits for that of the lookup and of all calls, which are to be over; it must
// not come on a thread of gRPC's.
class AdapterPods : public ProviderPeer {
 public:
  struct Context {
    const config::v1::Adapter& settings;
    const identity::GrantMinter& minter;
    Clock& clock;
    Timers& timers;
    Executor executor;
    obs::Metrics& metrics;
  };
  // A channel of its own to one address.
  using Open = std::function<std::shared_ptr<grpc::Channel>(const std::string& address)>;

  // Looks at once, every adapter.resolve_interval, and every 100 ms while no pod is well. What
  // cannot be looked up changes nothing. The references outlive it.
  AdapterPods(const Context& context, AdapterLookup lookup, Open open);
  ~AdapterPods() override;

  // Without any pod that takes it: the status of the last one that was asked; UNAVAILABLE when
  // there is none.
  std::unique_ptr<GenerateStream> Generate(PeerCall call,
                                           provider::v1::GenerateRequest request) override;

 private:
  class Pods;
  class Stream;

  const std::shared_ptr<Pods> pods_;
};

}  // namespace penstock::dispatcher
