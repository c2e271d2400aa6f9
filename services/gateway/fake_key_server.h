// The server of an issuer's key set, on a real socket, which can fail in the ways such servers do;
// for tests.
#pragma once

#include <string>

#include "libs/async/awaitable.h"
#include "libs/base/mutex.h"
#include "libs/http/loopback_server.h"

namespace penstock::gateway {

class FakeKeyServer {
 public:
  enum class Mode {
    kServe,
    // Refuses connections, as far as one can tell who calls: they are reset.
    kDown,
    // 500.
    kError,
    // 302 to `location`.
    kRedirect,
    // Answers when its client has gone.
    kSlow,
    // Sends the head and half of the document, then resets.
    kBroken,
    // 200 with a megabyte of blanks behind the document.
    kHuge,
  };

  std::string url() const { return server_.Url("/jwks"); }
  int port() const { return server_.port(); }
  void Set(Mode mode, std::string document = "");
  void SetLocation(std::string location);
  // Begun since the start.
  int requests();
  // Blocks until that many have begun.
  void WaitForRequests(int count);

 private:
  Awaitable<void> Answer(http::LoopbackExchange& exchange);

  Mutex mutex_;
  CondVar changed_;
  Mode mode_ ABSL_GUARDED_BY(mutex_) = Mode::kDown;
  std::string document_ ABSL_GUARDED_BY(mutex_);
  std::string location_ ABSL_GUARDED_BY(mutex_);
  int requests_ ABSL_GUARDED_BY(mutex_) = 0;
  http::LoopbackServer server_{
      [this](http::LoopbackExchange& exchange) { return Answer(exchange); }};
};

}  // namespace penstock::gateway
