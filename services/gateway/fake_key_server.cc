#include "services/gateway/fake_key_server.h"

#include <utility>

#include "absl/strings/str_cat.h"

namespace penstock::gateway {

void FakeKeyServer::Set(Mode mode, std::string document) {
  MutexLock lock(mutex_);
  mode_ = mode;
  document_ = std::move(document);
}

void FakeKeyServer::SetLocation(std::string location) {
  MutexLock lock(mutex_);
  location_ = std::move(location);
}

int FakeKeyServer::requests() {
  MutexLock lock(mutex_);
  return requests_;
}

void FakeKeyServer::WaitForRequests(int count) {
  MutexLock lock(mutex_);
  while (requests_ < count) changed_.Wait(mutex_);
}

Awaitable<void> FakeKeyServer::Answer(http::LoopbackExchange& exchange) {
  Mode mode;
  std::string document;
  std::string location;
  {
    MutexLock lock(mutex_);
    mode = mode_;
    document = document_;
    location = location_;
    ++requests_;
    changed_.NotifyAll();
  }
  switch (mode) {
    case Mode::kServe:
      co_return co_await exchange.Respond(200, "Content-Type: application/json\r\n", document);
    case Mode::kDown:
      exchange.Reset();
      co_return;
    case Mode::kError:
      co_return co_await exchange.Respond(500, "", document);
    case Mode::kRedirect:
      co_return co_await exchange.Respond(302, absl::StrCat("Location: ", location, "\r\n"),
                                          document);
    case Mode::kSlow:
      co_return co_await exchange.WaitForClose();
    case Mode::kBroken:
      co_await exchange.SendRaw(absl::StrCat("HTTP/1.1 200 OK\r\nContent-Length: ", document.size(),
                                             "\r\n\r\n", document.substr(0, document.size() / 2)));
      exchange.Reset();
      co_return;
    case Mode::kHuge:
      co_return co_await exchange.Respond(200, "", document + std::string(1 << 20, ' '));
  }
}

}  // namespace penstock::gateway
