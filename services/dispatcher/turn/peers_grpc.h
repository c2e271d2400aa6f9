// The other services over gRPC channels. Each call carries a grant for its audience.
#pragma once

#include <memory>

#include "libs/base/clock.h"
#include "libs/identity/grant.h"
#include "services/dispatcher/turn/peers.h"

namespace grpc {
class Channel;
}

namespace penstock::dispatcher {

// The references must outlive what is returned.
std::unique_ptr<SessionPeer> MakeSessionPeer(std::shared_ptr<grpc::Channel> channel,
                                             const identity::GrantMinter& minter, Clock& clock);
std::unique_ptr<MemoryPeer> MakeMemoryPeer(std::shared_ptr<grpc::Channel> channel,
                                           const identity::GrantMinter& minter, Clock& clock);
std::unique_ptr<ProviderPeer> MakeProviderPeer(std::shared_ptr<grpc::Channel> channel,
                                               const identity::GrantMinter& minter, Clock& clock);

}  // namespace penstock::dispatcher
