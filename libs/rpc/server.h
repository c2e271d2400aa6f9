// Answering RPCs with coroutines.
//
// A service binds each RPC in one line:
//
//   grpc::ServerUnaryReactor* GetTurn(grpc::CallbackServerContext* context,
//                                     const GetTurnRequest* request, Turn* response) override {
//     return rpc::ServeUnary(get_turn_, context, request, response,
//                            [this](auto&... call) { return core_.GetTurn(call...); });
//   }
//
// The handler runs on the environment's executor, for the caller whom the authenticator has named;
// a call that it refuses never reaches the handler. Identity lives in the call, never in the
// connection. A call whose caller cannot be told yet waits, if the authenticator says so.
#pragma once

#include <optional>
#include <stop_token>
#include <utility>

#include <boost/asio/use_awaitable.hpp>
#include <grpcpp/server_context.h>
#include <grpcpp/support/server_callback.h>

#include "libs/async/awaitable.h"
#include "libs/base/failpoint.h"
#include "libs/rpc/method.h"
#include "libs/rpc/server_call.h"
#include "libs/rpc/status.h"
#include "libs/rpc/stream_writer.h"

#include "absl/status/status.h"

namespace penstock::rpc {
namespace internal {

// What unary and streaming calls have in common: who calls, how it is counted, how it ends.
template <class Reactor>
class CallReactor : public Reactor {
 protected:
  CallReactor(Method& method, grpc::CallbackServerContext* context)
      : method_(method),
        live_(*method.environment().calls),
        context_(*context),
        started_(method.environment().clock.Monotonic()) {
    method_.CountStart();
  }

  // Goes on with `serve` once the caller is known, as a rule at once, or ends the call. It may wait
  // twice: what it waits for at first may have begun before it came.
  template <class Serve>
  void WhenAdmitted(Serve serve, int waits = 2) {
    const ServerEnvironment& environment = method_.environment();
    auto principal = Authenticate(context_, environment);
    if (principal.ok()) {
      call_.emplace(context_, *std::move(principal), stop_.get_token());
      return serve();
    }
    const absl::Status refusal = std::move(principal).status();
    const auto again = [this, serve, waits] { WhenAdmitted(serve, waits - 1); };
    if (waits == 0 || !AwaitAuthentication(context_, environment.authenticator, refusal, again)) {
      End(refusal);
    }
  }

  // Nothing of the reactor may be touched afterwards: OnDone deletes it.
  void End(const absl::Status& status) {
    PENSTOCK_FAILPOINT("rpc.before_reply");
    method_.CountEnd(status, method_.environment().clock.Monotonic() - started_);
    this->Finish(ToGrpc(status));
  }

  void OnCancel() override { stop_.request_stop(); }
  void OnDone() override { delete this; }

  std::optional<ServerCall> call_;
  Method& method_;

 private:
  const LiveCount::Holder live_;
  const grpc::CallbackServerContext& context_;
  const absl::Duration started_;
  std::stop_source stop_;
};

template <class Request, class Response, class Handler>
class UnaryReactor final : public CallReactor<grpc::ServerUnaryReactor> {
 public:
  UnaryReactor(Method& method, grpc::CallbackServerContext* context, const Request* request,
               Response* response, Handler handler)
      : CallReactor(method, context),
        request_(request),
        response_(response),
        handler_(std::move(handler)) {}

  void Start() {
    WhenAdmitted([this] { Spawn(method_.environment().executor, Run(*this)); });
  }

 private:
  static Awaitable<void> Run(UnaryReactor& self) {
    const absl::Status status =
        co_await self.handler_(*self.call_, *self.request_, *self.response_);
    self.End(status);
  }

  const Request* request_;
  Response* response_;
  Handler handler_;
};

template <class Request, class Event, class Handler>
class StreamReactor final : public CallReactor<grpc::ServerWriteReactor<Event>>,
                            public StreamWriter<Event> {
  using Base = CallReactor<grpc::ServerWriteReactor<Event>>;

 public:
  StreamReactor(Method& method, grpc::CallbackServerContext* context, const Request* request,
                Handler handler)
      : Base(method, context), request_(request), handler_(std::move(handler)) {}

  void Start() {
    this->WhenAdmitted([this] { Spawn(this->method_.environment().executor, Run(*this)); });
  }

  Awaitable<absl::Status> Write(const Event& event) override {
    const bool taken =
        co_await boost::asio::async_initiate<const boost::asio::use_awaitable_t<>, void(bool)>(
            [&](auto handler) {
              auto shared = std::make_shared<decltype(handler)>(std::move(handler));
              this->resume_ = [shared](bool ok) { std::move (*shared)(ok); };
              this->StartWrite(&event);
            },
            boost::asio::use_awaitable);
    if (!taken) co_return absl::CancelledError("the caller has gone");
    co_return absl::OkStatus();
  }

 private:
  static Awaitable<void> Run(StreamReactor& self) {
    const absl::Status status = co_await self.handler_(*self.call_, *self.request_,
                                                       static_cast<StreamWriter<Event>&>(self));
    self.End(status);
  }

  void OnWriteDone(bool ok) override { std::exchange(resume_, nullptr)(ok); }

  const Request* request_;
  Handler handler_;
  std::function<void(bool)> resume_;  // of the one pending Write
};

}  // namespace internal

// Handler: Awaitable<absl::Status>(ServerCall&, const Request&, Response&).
template <class Request, class Response, class Handler>
grpc::ServerUnaryReactor* ServeUnary(Method& method, grpc::CallbackServerContext* context,
                                     const Request* request, Response* response, Handler handler) {
  auto* reactor = new internal::UnaryReactor<Request, Response, Handler>(
      method, context, request, response, std::move(handler));
  reactor->Start();
  return reactor;
}

// Handler: Awaitable<absl::Status>(ServerCall&, const Request&, StreamWriter<Event>&). The stream
// ends with the status that it returns.
template <class Event, class Request, class Handler>
grpc::ServerWriteReactor<Event>* ServeStream(Method& method, grpc::CallbackServerContext* context,
                                             const Request* request, Handler handler) {
  auto* reactor = new internal::StreamReactor<Request, Event, Handler>(method, context, request,
                                                                       std::move(handler));
  reactor->Start();
  return reactor;
}

}  // namespace penstock::rpc
