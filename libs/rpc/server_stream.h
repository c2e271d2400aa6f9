// Reading a server stream from a coroutine, which goes on where the event arrived: see client.h.
#pragma once

#include <atomic>
#include <functional>
#include <memory>
#include <optional>
#include <stop_token>
#include <type_traits>
#include <utility>

#include <boost/asio/use_awaitable.hpp>
#include <grpcpp/client_context.h>
#include <grpcpp/support/client_callback.h>

#include "libs/async/awaitable.h"
#include "libs/base/mutex.h"
#include "libs/rpc/call_options.h"
#include "libs/rpc/status.h"

#include "absl/status/statusor.h"

namespace penstock::rpc {

// The reading end of a server stream. One coroutine reads at a time. Dropping it cancels the call.
template <class Event>
class ServerStream {
 public:
  ServerStream(ServerStream&&) noexcept = default;
  ServerStream& operator=(ServerStream&&) = delete;
  ~ServerStream() {
    if (core_) core_->Abandon();
  }

  // The next event; nullopt after the last one of a stream that ended with OK; its status
  // otherwise, CANCELLED only if it was cancelled from this side.
  Awaitable<absl::StatusOr<std::optional<Event>>> Next() { return core_->Next(); }

  void Cancel() { core_->Cancel(); }

  template <class AsyncStub, class Request>
  static ServerStream Open(
      AsyncStub* stub,
      void (std::type_identity_t<AsyncStub>::*method)(grpc::ClientContext*, const Request*,
                                                      grpc::ClientReadReactor<Event>*),
      std::type_identity_t<Request> request, CallOptions options) {
    auto core = std::make_shared<TypedCore<Request>>(std::move(request), std::move(options));
    (stub->*method)(&core->context_, &core->request_, core.get());
    core->Start(core);
    return ServerStream(std::move(core));
  }

 private:
  // Lives until OnDone, whoever still holds the stream. A hold keeps the call open between reads,
  // because reads are started from outside of its reactions.
  class Core : public grpc::ClientReadReactor<Event> {
   public:
    void Start(std::shared_ptr<Core> self) {
      {
        MutexLock lock(mutex_);
        self_ = std::move(self);
      }
      this->AddHold();
      this->StartCall();
    }

    Awaitable<absl::StatusOr<std::optional<Event>>> Next() {
      const auto keep = self();
      if (ended_) co_return Ended();
      const bool read =
          co_await boost::asio::async_initiate<const boost::asio::use_awaitable_t<>, void(bool)>(
              [this](auto handler) {
                auto shared = std::make_shared<decltype(handler)>(std::move(handler));
                this->resume_ = [shared](bool ok) { std::move (*shared)(ok); };
                this->StartRead(&this->event_);
              },
              boost::asio::use_awaitable);
      if (read) co_return std::optional<Event>(std::move(event_));
      ended_ = true;
      co_return Ended();
    }

    void Cancel() {
      cancelled_ = true;
      context_.TryCancel();
    }

    // No reader will come any more.
    void Abandon() {
      Cancel();
      ReleaseHold();
    }

    void OnReadDone(bool ok) override {
      if (ok) return std::exchange(resume_, nullptr)(true);
      ReleaseHold();  // OnDone follows and resumes the reader
    }

    void OnDone(const grpc::Status& status) override {
      status_ = cancelled_ ? FromGrpc(status) : FromServer(status);
      std::shared_ptr<Core> self;
      {
        MutexLock lock(mutex_);
        self = std::move(self_);
      }
      if (resume_) std::exchange(resume_, nullptr)(false);
    }

   protected:
    explicit Core(CallOptions options) : options_(std::move(options)) {
      Prepare(options_, /*unary=*/false, context_);
      cancel_.emplace(options_.stop, CancelCall{this});
    }

   private:
    friend class ServerStream;
    struct CancelCall {
      Core* core;
      void operator()() const { core->Cancel(); }
    };

    std::shared_ptr<Core> self() {
      MutexLock lock(mutex_);
      return self_;
    }

    absl::StatusOr<std::optional<Event>> Ended() const {
      if (!status_.ok()) return status_;
      return std::optional<Event>();
    }

    void ReleaseHold() {
      {
        MutexLock lock(mutex_);
        if (!std::exchange(held_, false)) return;
      }
      this->RemoveHold();
    }

    const CallOptions options_;
    grpc::ClientContext context_;
    Event event_;
    std::function<void(bool)> resume_;  // of the one pending Next
    absl::Status status_;
    bool ended_ = false;
    std::atomic<bool> cancelled_ = false;
    Mutex mutex_;
    bool held_ ABSL_GUARDED_BY(mutex_) = true;
    std::shared_ptr<Core> self_ ABSL_GUARDED_BY(mutex_);
    std::optional<std::stop_callback<CancelCall>> cancel_;
  };

  template <class Request>
  class TypedCore : public Core {
   public:
    TypedCore(Request request, CallOptions options)
        : Core(std::move(options)), request_(std::move(request)) {}
    const Request request_;
  };

  explicit ServerStream(std::shared_ptr<Core> core) : core_(std::move(core)) {}

  std::shared_ptr<Core> core_;
};

}  // namespace penstock::rpc
