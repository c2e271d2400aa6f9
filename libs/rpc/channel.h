// Channels to other services.
#pragma once

#include <memory>

#include <grpcpp/channel.h>
#include <grpcpp/security/credentials.h>

#include "absl/strings/string_view.h"

namespace penstock::rpc {

// Largest message either way, in bytes: the public API's 1 MiB requests and 2 MiB pages, with room.
inline constexpr int kMaxMessageBytes = 4 << 20;

// A channel to "host:port" (all addresses of the name, round robin) or "unix:path". It connects
// when first used and again, within 2 s, whenever the service comes back. A server that drains
// (ServerHost) is given no more calls. Channels must be
// destroyed on a thread that is not gRPC's: keep them where main can see them. Without credentials
// it is plaintext; services call each other by Transport::OpenChannel.
std::shared_ptr<grpc::Channel> OpenChannel(
    absl::string_view endpoint, std::shared_ptr<grpc::ChannelCredentials> credentials = nullptr);

// Gives up a channel, from OpenChannel or in-process, whose stubs are gone: blocks until the calls
// that still end in the background no longer hold it, so that it is destroyed here and not by the
// last of them, on gRPC's thread, which would then wait for itself.
void CloseChannel(std::shared_ptr<grpc::Channel> channel);

}  // namespace penstock::rpc
