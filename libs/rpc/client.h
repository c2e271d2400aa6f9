// Calling other services from a coroutine.
//
// The coroutine goes on where the completion arrived, on a gRPC thread: what follows must not
// block. Streams: server_stream.h.
#pragma once

#include <functional>
#include <memory>
#include <stop_token>
#include <type_traits>
#include <utility>

#include <boost/asio/use_awaitable.hpp>
#include <grpcpp/client_context.h>
#include <grpcpp/support/client_callback.h>

#include "libs/async/awaitable.h"
#include "libs/rpc/call_options.h"
#include "libs/rpc/status.h"

#include "absl/status/statusor.h"

namespace penstock::rpc {

// Calls a unary RPC: co_await Call(*stub.async(), &Stub::async_interface::GetTurn, request,
// options). The status is the callee's, with its details;
// CANCELLED only after options.stop.
template <class AsyncStub, class Request, class Response>
Awaitable<absl::StatusOr<Response>> Call(
    AsyncStub* stub,
    void (std::type_identity_t<AsyncStub>::*method)(grpc::ClientContext*, const Request*, Response*,
                                                    std::function<void(grpc::Status)>),
    std::type_identity_t<Request> request, CallOptions options) {
  grpc::ClientContext context;
  Prepare(options, /*unary=*/true, context);
  Response response;
  std::stop_callback cancel(options.stop, [&context] { context.TryCancel(); });
  const grpc::Status status =
      co_await boost::asio::async_initiate<const boost::asio::use_awaitable_t<>,
                                           void(grpc::Status)>(
          [&](auto handler) {
            // std::function must be copyable, the handler is not.
            auto shared = std::make_shared<decltype(handler)>(std::move(handler));
            (stub->*method)(&context, &request, &response, [shared](grpc::Status result) {
              std::move (*shared)(std::move(result));
            });
          },
          boost::asio::use_awaitable);
  if (!status.ok()) {
    co_return options.stop.stop_requested() ? FromGrpc(status) : FromServer(status);
  }
  co_return std::move(response);
}

}  // namespace penstock::rpc
