#include "libs/http/curl_client.h"

#include <atomic>
#include <future>
#include <sstream>
#include <string>
#include <thread>
#include <vector>

#include <boost/beast/http/write.hpp>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "libs/async/one_shot.h"
#include "libs/base/clock.h"
#include "libs/http/loopback_server.h"
#include "libs/http/recorder_for_test.h"

#include "absl/strings/str_cat.h"

namespace penstock::http {
namespace {

using Kind = HttpOutcome::Kind;
using testing::HasSubstr;
using testing::IsEmpty;

class CurlClientTest : public testing::Test {
 protected:
  std::shared_ptr<Recorder> Get(std::string url) { return Send({.url = std::move(url)}); }
  std::shared_ptr<Recorder> Send(HttpRequest request) {
    auto recorder = std::make_shared<Recorder>();
    call_ = client_.Start(std::move(request), recorder);
    return recorder;
  }

  HttpCallId call_ = 0;
  CurlClient client_{{}, SystemClock()};
};

TEST_F(CurlClientTest, SendsTheRequestAndNothingUnasked) {
  std::string seen;
  LoopbackServer server([&](LoopbackExchange& exchange) -> Awaitable<void> {
    std::ostringstream text;
    text << exchange.request;
    seen = text.str();
    co_await exchange.Respond(200, "X-Request-Id: r1\r\n", "hello");
  });

  auto recorder = Send({.url = server.Url("/v1/x"), .headers = {"X-One: 1"}, .body = "{}"});

  EXPECT_EQ(recorder->Wait().kind, Kind::kOk);
  EXPECT_EQ(recorder->status(), 200);
  EXPECT_EQ(recorder->body(), "hello");
  EXPECT_EQ(recorder->Header("x-request-id"), "r1");
  EXPECT_THAT(seen, HasSubstr("POST /v1/x HTTP/1.1\r\n"));
  EXPECT_THAT(seen, HasSubstr("X-One: 1\r\n"));
  EXPECT_THAT(seen, HasSubstr("\r\n\r\n{}"));
  EXPECT_THAT(seen, testing::Not(HasSubstr("Expect")));
  EXPECT_THAT(seen, testing::Not(HasSubstr("Accept-Encoding")));
}

TEST_F(CurlClientTest, SendsALargeBodyWithoutAsking) {
  LoopbackServer server([](LoopbackExchange& exchange) -> Awaitable<void> {
    co_await exchange.Respond(200, "", absl::StrCat(exchange.request.body().size()));
  });
  HttpRequest request{.url = server.Url("/")};
  request.body.assign(900 * 1024, 'x');

  auto recorder = Send(std::move(request));

  EXPECT_EQ(recorder->Wait().kind, Kind::kOk);
  EXPECT_EQ(recorder->body(), absl::StrCat(900 * 1024));
}

TEST_F(CurlClientTest, ShowsEachPieceBeforeTheNextIsSent) {
  std::vector<OneShot<bool>> seen(20);
  LoopbackServer server([&](LoopbackExchange& exchange) -> Awaitable<void> {
    co_await exchange.StartChunks(200, "");
    for (size_t i = 0; i < seen.size(); ++i) {
      co_await exchange.Chunk(absl::StrCat("<", i, ">"));
      co_await seen[i].Wait();
    }
    co_await exchange.EndChunks();
  });

  auto recorder = Get(server.Url("/"));
  for (size_t i = 0; i < seen.size(); ++i) {
    recorder->WaitForBody(absl::StrCat("<", i, ">"));
    seen[i].Set(true);
  }

  EXPECT_EQ(recorder->Wait().kind, Kind::kOk);
}

TEST_F(CurlClientTest, UsesOneConnectionForRequestsInARow) {
  LoopbackServer server([](LoopbackExchange& exchange) -> Awaitable<void> {
    co_await exchange.Respond(200, "", "hello");
  });

  for (int i = 0; i < 50; ++i) EXPECT_EQ(Get(server.Url("/"))->Wait().kind, Kind::kOk);

  EXPECT_EQ(server.connections(), 1);
}

TEST_F(CurlClientTest, OpensANewConnectionWhenTheServerClosedTheKeptOne) {
  std::atomic<int> closed = 0;
  LoopbackServer server([&closed](LoopbackExchange& exchange) -> Awaitable<void> {
    co_await exchange.Respond(200, "", "hello");
    exchange.Close();
    ++closed;
  });

  for (int i = 1; i <= 20; ++i) {
    EXPECT_EQ(Get(server.Url("/"))->Wait().kind, Kind::kOk);
    // A request that meets the close is another matter: it is reset.
    while (closed < i) std::this_thread::yield();
  }

  EXPECT_EQ(server.connections(), 20);
}

TEST_F(CurlClientTest, ARefusedConnectionIsNotSent) {
  const HttpOutcome outcome = Get(absl::StrCat("http://127.0.0.1:", UnusedPort(), "/"))->Wait();

  EXPECT_EQ(outcome.kind, Kind::kConnectFailed);
  EXPECT_TRUE(outcome.not_sent);
  EXPECT_THAT(outcome.message, HasSubstr("127.0.0.1"));
}

TEST_F(CurlClientTest, AnUnknownNameIsNotSent) {
  const HttpOutcome outcome = Get("http://name.invalid/")->Wait();

  EXPECT_EQ(outcome.kind, Kind::kConnectFailed);
  EXPECT_TRUE(outcome.not_sent);
}

TEST_F(CurlClientTest, ATlsHandshakeWithAPlainServerIsNotSent) {
  LoopbackServer server(
      [](LoopbackExchange& exchange) -> Awaitable<void> { co_await exchange.WaitForClose(); });
  std::string url = server.Url("/");
  url.replace(0, 4, "https");

  const HttpOutcome outcome = Get(url)->Wait();

  EXPECT_EQ(outcome.kind, Kind::kTls);
  EXPECT_TRUE(outcome.not_sent);
}

TEST_F(CurlClientTest, AResetInTheMiddleIsSeenAfterWhatArrived) {
  OneShot<bool> seen;
  LoopbackServer server([&](LoopbackExchange& exchange) -> Awaitable<void> {
    co_await exchange.StartChunks(200, "");
    co_await exchange.Chunk("half");
    co_await seen.Wait();
    exchange.Reset();
  });

  auto recorder = Get(server.Url("/"));
  recorder->WaitForBody("half");
  seen.Set(true);
  const HttpOutcome outcome = recorder->Wait();

  EXPECT_EQ(outcome.kind, Kind::kReset);
  EXPECT_FALSE(outcome.not_sent);
  EXPECT_EQ(recorder->body(), "half");
}

TEST_F(CurlClientTest, AChunkedAnswerThatJustEndsIsReset) {
  LoopbackServer server([](LoopbackExchange& exchange) -> Awaitable<void> {
    co_await exchange.StartChunks(200, "");
    co_await exchange.Chunk("half");
  });

  EXPECT_EQ(Get(server.Url("/"))->Wait().kind, Kind::kReset);
}

TEST_F(CurlClientTest, EachTimeLimitHasItsOwnName) {
  LoopbackServer server([](LoopbackExchange& exchange) -> Awaitable<void> {
    if (exchange.request.target() == "/silent") co_await exchange.WaitForClose();
    co_await exchange.StartChunks(200, "");
    if (exchange.request.target() == "/stalls") co_await exchange.Chunk("first");
    co_await exchange.WaitForClose();
  });
  const absl::Duration soon = absl::Milliseconds(20);

  auto silent = Send({.url = server.Url("/silent"), .first_byte_timeout = soon});
  auto headers_only = Send({.url = server.Url("/headers"), .first_byte_timeout = soon});
  auto stalls = Send({.url = server.Url("/stalls"), .idle_timeout = soon});
  auto total = Send({.url = server.Url("/stalls"), .total_timeout = soon});

  EXPECT_EQ(silent->Wait().kind, Kind::kTimeoutFirstByte);
  EXPECT_EQ(headers_only->Wait().kind, Kind::kTimeoutFirstByte);
  EXPECT_EQ(stalls->Wait().kind, Kind::kTimeoutIdle);
  EXPECT_EQ(stalls->body(), "first");
  EXPECT_EQ(total->Wait().kind, Kind::kTimeoutTotal);
  EXPECT_FALSE(stalls->Wait().not_sent);
}

TEST_F(CurlClientTest, AConnectionThatIsNotMadeInTimeIsNotSent) {
  // TLS towards a server that says nothing.
  LoopbackServer server(
      [](LoopbackExchange& exchange) -> Awaitable<void> { co_await exchange.WaitForClose(); });
  boost::asio::io_context io;
  boost::asio::ip::tcp::acceptor mute(io, {boost::asio::ip::address_v4::loopback(), 0});
  const std::string url = absl::StrCat("https://127.0.0.1:", mute.local_endpoint().port(), "/");

  const HttpOutcome outcome = Send({.url = url, .connect_timeout = absl::Milliseconds(20)})->Wait();

  EXPECT_EQ(outcome.kind, Kind::kTimeoutConnect);
  EXPECT_TRUE(outcome.not_sent);
}

TEST_F(CurlClientTest, CancelClosesTheConnection) {
  std::promise<void> closed;
  LoopbackServer server([&](LoopbackExchange& exchange) -> Awaitable<void> {
    co_await exchange.StartChunks(200, "");
    co_await exchange.Chunk("first");
    co_await exchange.WaitForClose();
    closed.set_value();
  });

  auto recorder = Get(server.Url("/"));
  recorder->WaitForBody("first");
  client_.Cancel(call_);

  EXPECT_EQ(recorder->Wait().kind, Kind::kCancelled);
  closed.get_future().wait();
  client_.Cancel(call_);
  client_.Cancel(999);
  EXPECT_EQ(recorder->done(), 1);
}

TEST_F(CurlClientTest, AnObserverThatHadEnoughEndsAtOnceOrDrains) {
  LoopbackServer server([](LoopbackExchange& exchange) -> Awaitable<void> {
    co_await exchange.StartChunks(200, "");
    co_await exchange.Chunk("all");
    if (exchange.request.target() == "/ends") co_await exchange.EndChunks();
    if (exchange.request.target() != "/ends") co_await exchange.WaitForClose();
  });
  const auto answer = [](Flow flow) { return [flow](absl::string_view) { return flow; }; };
  auto drained = std::make_shared<Recorder>();
  drained->on_body = answer(Flow::kEnough);
  auto aborted = std::make_shared<Recorder>();
  aborted->on_body = answer(Flow::kAbort);
  auto hanging = std::make_shared<Recorder>();
  hanging->on_body = answer(Flow::kEnough);

  client_.Start({.url = server.Url("/ends")}, drained);
  client_.Start({.url = server.Url("/hangs")}, aborted);
  client_.Start({.url = server.Url("/hangs")}, hanging);

  EXPECT_EQ(drained->Wait().kind, Kind::kOk);
  EXPECT_EQ(aborted->Wait().kind, Kind::kCancelled);
  EXPECT_EQ(hanging->Wait().kind, Kind::kCancelled);
}

TEST_F(CurlClientTest, RefusesHeadersOverTheLimit) {
  LoopbackServer server([](LoopbackExchange& exchange) -> Awaitable<void> {
    co_await exchange.Respond(200,
                              absl::StrCat("X-A: ", std::string(40'000, 'a'),
                                           "\r\nX-B: ", std::string(40'000, 'b'), "\r\n"),
                              "");
  });

  const HttpOutcome outcome = Get(server.Url("/"))->Wait();

  EXPECT_EQ(outcome.kind, Kind::kProtocol);
  EXPECT_THAT(outcome.message, HasSubstr("65536"));
}

TEST_F(CurlClientTest, RefusesWhatIsNotHttp) {
  LoopbackServer server([](LoopbackExchange& exchange) -> Awaitable<void> {
    co_await exchange.SendRaw("SSH-2.0-OpenSSH_9.2\r\n");
  });

  EXPECT_EQ(Get(server.Url("/"))->Wait().kind, Kind::kProtocol);
}

TEST_F(CurlClientTest, DoesNotFollowRedirects) {
  LoopbackServer server([](LoopbackExchange& exchange) -> Awaitable<void> {
    co_await exchange.Respond(302, "Location: http://127.0.0.1:1/\r\n", "");
  });

  auto recorder = Get(server.Url("/"));

  EXPECT_EQ(recorder->Wait().kind, Kind::kOk);
  EXPECT_EQ(recorder->status(), 302);
}

TEST_F(CurlClientTest, SkipsInterimAnswers) {
  LoopbackServer server([](LoopbackExchange& exchange) -> Awaitable<void> {
    co_await exchange.SendRaw("HTTP/1.1 103 Early Hints\r\nX-Early: 1\r\n\r\n");
    co_await exchange.Respond(200, "X-Late: 1\r\n", "hello");
  });

  auto recorder = Get(server.Url("/"));

  EXPECT_EQ(recorder->Wait().kind, Kind::kOk);
  EXPECT_EQ(recorder->status(), 200);
  EXPECT_EQ(recorder->Header("x-early"), "absent");
  EXPECT_EQ(recorder->Header("X-LATE"), "1");
}

TEST_F(CurlClientTest, Holds500StreamsOpenAtOnce) {
  constexpr int kStreams = 500;
  std::vector<OneShot<bool>> go(kStreams);
  LoopbackServer server([&](LoopbackExchange& exchange) -> Awaitable<void> {
    const auto index = std::stoul(std::string(exchange.request.target()).substr(1));
    co_await exchange.StartChunks(200, "");
    co_await exchange.Chunk("first");
    co_await go[index].Wait();
    co_await exchange.Chunk(absl::StrCat(" of ", index));
    co_await exchange.EndChunks();
  });

  std::vector<std::shared_ptr<Recorder>> recorders;
  for (int i = 0; i < kStreams; ++i) recorders.push_back(Get(server.Url(absl::StrCat("/", i))));
  for (auto& recorder : recorders) recorder->WaitForBody("first");
  EXPECT_EQ(server.connections(), kStreams);
  for (auto& one : go) one.Set(true);

  for (int i = 0; i < kStreams; ++i) {
    EXPECT_EQ(recorders[static_cast<size_t>(i)]->Wait().kind, Kind::kOk);
    EXPECT_EQ(recorders[static_cast<size_t>(i)]->body(), absl::StrCat("first of ", i));
  }
}

TEST_F(CurlClientTest, ItsTimersFireInOrder) {
  std::promise<void> fired;
  std::vector<int> order;
  auto late = client_.timers().After(absl::Milliseconds(5), [&] {
    order.push_back(2);
    fired.set_value();
  });
  auto early = client_.timers().After(absl::Milliseconds(1), [&] { order.push_back(1); });

  fired.get_future().wait();

  EXPECT_EQ(order, (std::vector<int>{1, 2}));
}

TEST(CurlClientEnd, CancelsWhatRuns) {
  LoopbackServer server(
      [](LoopbackExchange& exchange) -> Awaitable<void> { co_await exchange.WaitForClose(); });
  auto recorder = std::make_shared<Recorder>();
  {
    CurlClient client({}, SystemClock());
    client.Start({.url = server.Url("/")}, recorder);
  }

  EXPECT_EQ(recorder->Wait().kind, Kind::kCancelled);
}

}  // namespace
}  // namespace penstock::http
