// How long connections live, who shares them, and that a failed attempt leaves none behind.
#include <atomic>
#include <future>
#include <memory>
#include <string>
#include <utility>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "libs/async/one_shot.h"
#include "libs/base/skewed_clock.h"
#include "libs/http/curl_client.h"
#include "libs/http/loopback_server.h"
#include "libs/http/recorder_for_test.h"

#include "absl/strings/str_cat.h"

namespace penstock::http {
namespace {

using Kind = HttpOutcome::Kind;
using testing::HasSubstr;

// What a transport tells of its connections.
struct Events {
  std::atomic<int> opened = 0;
  std::atomic<int> reused = 0;
  std::atomic<int> closed = 0;
  std::atomic<int> too_large = 0;

  void Count(TransportEvent event) {
    if (event == TransportEvent::kConnectionOpened) ++opened;
    if (event == TransportEvent::kConnectionReused) ++reused;
    if (event == TransportEvent::kConnectionClosed) ++closed;
    if (event == TransportEvent::kAnswerTooLarge) ++too_large;
  }
};

class CurlConnectionsTest : public testing::Test {
 protected:
  std::shared_ptr<const HttpTransport> NewTransport() {
    return std::make_shared<HttpTransport>(
        HttpTransport{.max_connection_age = absl::Minutes(10),
                      .on_event = [this](TransportEvent event) { events_.Count(event); }});
  }
  std::shared_ptr<Recorder> Get(const std::string& url) {
    // Time is set ahead while they run.
    return Send({.url = url,
                 .transport = transport_,
                 .first_byte_timeout = absl::InfiniteDuration(),
                 .idle_timeout = absl::InfiniteDuration()});
  }
  std::shared_ptr<Recorder> Send(HttpRequest request) {
    auto recorder = std::make_shared<Recorder>();
    client_->Start(std::move(request), recorder);
    return recorder;
  }

  Events events_;
  std::shared_ptr<const HttpTransport> transport_ = NewTransport();
  SkewedClock clock_;
  std::unique_ptr<CurlClient> client_ = std::make_unique<CurlClient>(CurlClientOptions{}, clock_);
};

Awaitable<void> SayHello(LoopbackExchange& exchange) {
  co_await exchange.Respond(200, "", "hello");
}

TEST_F(CurlConnectionsTest, OneThatIsTooOldIsNotUsedAgain) {
  LoopbackServer server(SayHello);

  EXPECT_EQ(Get(server.Url("/"))->Wait().kind, Kind::kOk);
  clock_.Advance(absl::Minutes(9));
  EXPECT_EQ(Get(server.Url("/"))->Wait().kind, Kind::kOk);
  EXPECT_EQ(server.connections(), 1);
  clock_.Advance(absl::Minutes(1));
  EXPECT_EQ(Get(server.Url("/"))->Wait().kind, Kind::kOk);

  EXPECT_EQ(server.connections(), 2);
  EXPECT_EQ(events_.closed, 1);
}

TEST_F(CurlConnectionsTest, OneThatGrowsTooOldEndsItsAnswerFirst) {
  OneShot<bool> go;
  std::promise<void> closed;
  LoopbackServer server([&](LoopbackExchange& exchange) -> Awaitable<void> {
    if (exchange.request.target() != "/long") co_return co_await SayHello(exchange);
    co_await exchange.StartChunks(200, "");
    co_await exchange.Chunk("first");
    co_await go.Wait();
    co_await exchange.Chunk(" last");
    co_await exchange.EndChunks();
    co_await exchange.WaitForClose();
    closed.set_value();
  });

  auto running = Get(server.Url("/long"));
  running->WaitForBody("first");
  clock_.Advance(absl::Minutes(11));
  EXPECT_EQ(Get(server.Url("/"))->Wait().kind, Kind::kOk);
  EXPECT_EQ(events_.closed, 0);
  go.Set(true);

  EXPECT_EQ(running->Wait().kind, Kind::kOk);
  EXPECT_EQ(running->body(), "first last");
  closed.get_future().wait();
  EXPECT_EQ(server.connections(), 2);
}

TEST_F(CurlConnectionsTest, TransportsShareNone) {
  LoopbackServer server(SayHello);

  EXPECT_EQ(Get(server.Url("/"))->Wait().kind, Kind::kOk);
  transport_ = NewTransport();
  EXPECT_EQ(Get(server.Url("/"))->Wait().kind, Kind::kOk);
  EXPECT_EQ(Send({.url = server.Url("/")})->Wait().kind, Kind::kOk);

  EXPECT_EQ(server.connections(), 3);
}

TEST_F(CurlConnectionsTest, AreToldOf) {
  LoopbackServer server(SayHello);

  for (int i = 0; i < 5; ++i) EXPECT_EQ(Get(server.Url("/"))->Wait().kind, Kind::kOk);
  EXPECT_EQ(events_.opened, 1);
  EXPECT_EQ(events_.reused, 4);
  EXPECT_EQ(events_.closed, 0);
  EXPECT_EQ(Get(absl::StrCat("http://127.0.0.1:", UnusedPort()))->Wait().kind,
            Kind::kConnectFailed);
  client_.reset();

  EXPECT_EQ(events_.opened, 2);
  EXPECT_EQ(events_.reused, 4);
  EXPECT_EQ(events_.closed, 2);
}

TEST_F(CurlConnectionsTest, AnAnswerMayBeAsLongAsItsBound) {
  LoopbackServer server([](LoopbackExchange& exchange) -> Awaitable<void> {
    co_await exchange.Respond(200, "", std::string(100'000, 'x'));
  });

  const auto get = [&](int64_t most) {
    return Send({.url = server.Url("/"), .transport = transport_, .max_answer_bytes = most});
  };

  EXPECT_EQ(get(100'000)->Wait().kind, Kind::kOk);
  EXPECT_EQ(events_.too_large, 0);
  auto cut = get(99'999);

  EXPECT_EQ(cut->Wait().kind, Kind::kTooLarge);
  EXPECT_FALSE(cut->Wait().not_sent);
  EXPECT_THAT(cut->Wait().message, HasSubstr("99999 bytes"));
  EXPECT_LE(cut->body().size(), 99'999u);
  EXPECT_EQ(events_.too_large, 1);
}

// Each is an answer that has begun and goes wrong, one way or the other.
class CurlConnectionsAfterFailure
    : public CurlConnectionsTest,
      public testing::WithParamInterface<std::pair<const char*, Kind>> {
 protected:
  HttpRequest Request(const std::string& url, const std::string& way) const {
    HttpRequest request{.url = url, .transport = transport_};
    if (way == "idle") request.idle_timeout = absl::Milliseconds(20);
    if (way == "total") request.total_timeout = absl::Milliseconds(20);
    if (way == "first_byte") request.first_byte_timeout = absl::Milliseconds(20);
    if (way == "too_large") request.max_answer_bytes = 3;
    return request;
  }
};

TEST_P(CurlConnectionsAfterFailure, NoneStaysOpen) {
  const std::string way = GetParam().first;
  std::promise<void> closed;
  LoopbackServer server([&](LoopbackExchange& exchange) -> Awaitable<void> {
    if (way == "headers") {
      co_await exchange.SendRaw("HTTP/1.1 200 OK\r\n");
      co_await exchange.SendRaw(absl::StrCat("X: ", std::string(70'000, 'x'), "\r\n"));
    } else if (way != "first_byte") {
      co_await exchange.StartChunks(200, "");
      co_await exchange.Chunk("half");
    }
    co_await exchange.WaitForClose();
    closed.set_value();
  });
  auto recorder = std::make_shared<Recorder>();
  if (way == "abort") recorder->on_body = [](absl::string_view) { return Flow::kAbort; };

  const HttpCallId call = client_->Start(Request(server.Url("/"), way), recorder);
  if (way == "cancel") {
    recorder->WaitForBody("half");
    client_->Cancel(call);
  }

  EXPECT_EQ(recorder->Wait().kind, GetParam().second) << recorder->Wait().message;
  closed.get_future().wait();
  EXPECT_EQ(events_.closed, 1);
}

INSTANTIATE_TEST_SUITE_P(
    Ways, CurlConnectionsAfterFailure,
    testing::Values(std::pair("cancel", Kind::kCancelled), std::pair("abort", Kind::kCancelled),
                    std::pair("idle", Kind::kTimeoutIdle), std::pair("total", Kind::kTimeoutTotal),
                    std::pair("first_byte", Kind::kTimeoutFirstByte),
                    std::pair("too_large", Kind::kTooLarge), std::pair("headers", Kind::kProtocol)),
    [](const auto& info) { return std::string(info.param.first); });

}  // namespace
}  // namespace penstock::http
