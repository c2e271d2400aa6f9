// Many streams on few connections.
#include <atomic>
#include <future>
#include <memory>
#include <string>
#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "libs/async/one_shot.h"
#include "libs/http/curl_http2_fixture.h"
#include "libs/http/loopback_server.h"

#include "absl/strings/str_cat.h"

namespace penstock::http {
namespace {

using Kind = HttpOutcome::Kind;

TEST_F(CurlHttp2Test, RequestsInARowUseOneConnection) {
  Serve([](StreamPtr stream) -> Awaitable<void> {
    Answer(*stream, absl::StrCat("hello ", stream->number));
    co_return;
  });

  for (int i = 0; i < 20; ++i) {
    auto recorder = Get();
    EXPECT_EQ(recorder->Wait().kind, Kind::kOk) << recorder->Wait().message;
    EXPECT_EQ(recorder->status(), 200);
    EXPECT_EQ(recorder->body(), absl::StrCat("hello ", i));
  }

  EXPECT_EQ(server_->connections(), 1);
}

TEST_F(CurlHttp2Test, Holds200StreamsOnTwoConnections) {
  constexpr int kStreams = 200;
  std::vector<OneShot<bool>> go(kStreams);
  Serve([&](StreamPtr stream) -> Awaitable<void> {
    stream->Headers(200);
    stream->Data("first");
    co_await go[static_cast<size_t>(stream->number)].Wait();
    stream->Data(" last", /*ends=*/true);
  });

  std::vector<std::shared_ptr<Recorder>> recorders;
  for (int i = 0; i < kStreams; ++i) recorders.push_back(Get());
  for (auto& recorder : recorders) recorder->WaitForBody("first");
  EXPECT_EQ(server_->connections(), 2);
  for (auto& one : go) one.Set(true);

  for (auto& recorder : recorders) {
    EXPECT_EQ(recorder->Wait().kind, Kind::kOk) << recorder->Wait().message;
    EXPECT_EQ(recorder->body(), "first last");
  }
  EXPECT_EQ(server_->connections(), 2);
}

TEST_F(CurlHttp2Test, StreamsAboveWhatTheServerAllowsWaitForOthers) {
  // The first 20 end together: they must all be there at a time, ten on each connection.
  std::vector<OneShot<bool>> go(19);
  Serve(
      [&](StreamPtr stream) -> Awaitable<void> {
        const auto number = static_cast<size_t>(stream->number);
        if (number < go.size()) co_await go[number].Wait();
        if (number == go.size()) {
          for (auto& one : go) one.Set(true);
        }
        Answer(*stream, "hello");
      },
      /*max_connections=*/2, /*max_streams=*/10);

  std::vector<std::shared_ptr<Recorder>> recorders;
  for (int i = 0; i < 100; ++i) recorders.push_back(Get());

  for (auto& recorder : recorders) {
    EXPECT_EQ(recorder->Wait().kind, Kind::kOk) << recorder->Wait().message;
  }
  // libcurl may exchange one on which the server has refused streams.
  EXPECT_LE(server_->open_connections(), 2);
}

TEST_F(CurlHttp2Test, AStreamThatFindsNoRoomInTimeIsNotSent) {
  OneShot<bool> go;
  Serve(
      [&](StreamPtr stream) -> Awaitable<void> {
        stream->Headers(200);
        stream->Data("first");
        co_await go.Wait();
        stream->Data(" last", /*ends=*/true);
      },
      /*max_connections=*/1, /*max_streams=*/1);
  auto first = Get();
  first->WaitForBody("first");

  const HttpOutcome outcome = Get(absl::Milliseconds(50))->Wait();

  EXPECT_EQ(outcome.kind, Kind::kTimeoutConnect);
  EXPECT_TRUE(outcome.not_sent);
  go.Set(true);
  EXPECT_EQ(first->Wait().kind, Kind::kOk);
  EXPECT_EQ(server_->connections(), 1);
}

TEST_F(CurlHttp2Test, AResetEndsItsStreamAlone) {
  OneShot<bool> go;
  Serve([&](StreamPtr stream) -> Awaitable<void> {
    stream->Headers(200);
    stream->Data("half");
    if (stream->number == 0) {
      co_await go.Wait();
      stream->Reset(kInternalError);
    } else {
      stream->Data(" and half", /*ends=*/true);
    }
  });

  auto first = Get();
  first->WaitForBody("half");
  go.Set(true);

  EXPECT_EQ(first->Wait().kind, Kind::kReset);
  EXPECT_FALSE(first->Wait().not_sent);
  EXPECT_EQ(Get()->Wait().kind, Kind::kOk);
  EXPECT_EQ(server_->connections(), 1);
}

TEST_F(CurlHttp2Test, AStreamThatTheServerRefusesIsSentOnceMore) {
  std::atomic<int> seen = 0;
  std::atomic<bool> relents = true;
  Serve([&](StreamPtr stream) -> Awaitable<void> {
    if (++seen > 1 && relents) {
      Answer(*stream, "hello");
    } else {
      stream->Reset(kRefusedStream);
    }
    co_return;
  });

  EXPECT_EQ(Get()->Wait().kind, Kind::kOk);
  EXPECT_EQ(seen, 2);
  relents = false;
  const HttpOutcome outcome = Get()->Wait();

  EXPECT_EQ(outcome.kind, Kind::kReset);
  EXPECT_TRUE(outcome.not_sent);
  EXPECT_EQ(seen, 4);
}

// The third try meets a connection with another stream: 7.88 would break it if stopped there.
TEST_F(CurlHttp2Test, AStreamThatIsAlwaysRefusedDisturbsNoOther) {
  constexpr int kConnections = 3;
  std::vector<OneShot<bool>> go(2 * kConnections);
  std::atomic<bool> refuses = false;
  Serve(
      [&](StreamPtr stream) -> Awaitable<void> {
        if (refuses) co_return stream->Reset(kRefusedStream);
        stream->Headers(200);
        stream->Data("first");
        co_await go[static_cast<size_t>(stream->number)].Wait();
        stream->Data(" last", /*ends=*/true);
      },
      /*max_connections=*/kConnections + 1, /*max_streams=*/2);
  std::vector<std::shared_ptr<Recorder>> recorders;
  for (size_t i = 0; i < go.size(); ++i) {
    recorders.push_back(Get());
    recorders.back()->WaitForBody("first");
  }
  EXPECT_EQ(server_->connections(), kConnections);
  // Room for one more on each.
  for (size_t i = 0; i < go.size(); i += 2) {
    go[i].Set(true);
    EXPECT_EQ(recorders[i]->Wait().kind, Kind::kOk);
  }

  refuses = true;
  const HttpOutcome outcome = Get()->Wait();

  EXPECT_EQ(outcome.kind, Kind::kReset) << outcome.message;
  EXPECT_TRUE(outcome.not_sent);
  for (size_t i = 1; i < go.size(); i += 2) {
    go[i].Set(true);
    EXPECT_EQ(recorders[i]->Wait().kind, Kind::kOk) << recorders[i]->Wait().message;
    EXPECT_EQ(recorders[i]->body(), "first last");
  }
}

TEST_F(CurlHttp2Test, AfterGoAwayOldStreamsEndAndUnseenOnesMove) {
  OneShot<bool> go;
  Serve([&](StreamPtr stream) -> Awaitable<void> {
    switch (stream->number) {
      case 0:
        stream->Headers(200);
        stream->Data("first");
        co_await go.Wait();
        stream->Data(" last", /*ends=*/true);
        break;
      case 1:
        stream->GoAway(/*last_stream=*/1);
        break;
      default:
        Answer(*stream, "elsewhere");
    }
  });

  auto first = Get();
  first->WaitForBody("first");
  auto second = Get();

  EXPECT_EQ(second->Wait().kind, Kind::kOk) << second->Wait().message;
  EXPECT_EQ(second->body(), "elsewhere");
  EXPECT_EQ(server_->connections(), 2);
  go.Set(true);
  EXPECT_EQ(first->Wait().kind, Kind::kOk) << first->Wait().message;
  EXPECT_EQ(first->body(), "first last");
}

TEST_F(CurlHttp2Test, AServerThatSaysFarewellEndsWhatItHasBegun) {
  OneShot<bool> go;
  Serve([&](StreamPtr stream) -> Awaitable<void> {
    if (stream->number > 0) co_return Answer(*stream, "elsewhere");
    stream->Headers(200);
    stream->GoAway(/*last_stream=*/(1U << 31) - 1);
    stream->Data("first");
    co_await go.Wait();
    stream->Data(" last", /*ends=*/true);
  });

  auto first = Get();
  first->WaitForBody("first");
  auto second = Get();

  EXPECT_EQ(second->Wait().kind, Kind::kOk) << second->Wait().message;
  EXPECT_EQ(server_->connections(), 2);
  go.Set(true);
  EXPECT_EQ(first->Wait().kind, Kind::kOk) << first->Wait().message;
  EXPECT_EQ(first->body(), "first last");
}

TEST_F(CurlHttp2Test, AfterGoAwayAnIdleConnectionIsNotUsedAgain) {
  Serve([](StreamPtr stream) -> Awaitable<void> {
    Answer(*stream, "hello");
    stream->GoAway(stream->id());
    co_return;
  });

  for (int i = 0; i < 10; ++i) EXPECT_EQ(Get()->Wait().kind, Kind::kOk);

  EXPECT_EQ(server_->connections(), 10);
}

// 7.88 does not say that it was refused, newer ones repeat it.
TEST_F(CurlHttp2Test, AGoAwayThatRefusesTheOnlyStreamIsNoSilence) {
  Serve([](StreamPtr stream) -> Awaitable<void> {
    if (stream->number == 1) {
      stream->GoAway(/*last_stream=*/1);
    } else {
      Answer(*stream, "hello");
    }
    co_return;
  });

  EXPECT_EQ(Get()->Wait().kind, Kind::kOk);
  const HttpOutcome refused = Get()->Wait();

  EXPECT_TRUE(refused.kind == Kind::kOk || refused.kind == Kind::kReset) << refused.message;
  EXPECT_FALSE(refused.not_sent);
  EXPECT_EQ(Get()->Wait().kind, Kind::kOk);
}

TEST_F(CurlHttp2Test, ABusyConnectionThatIsTooOldTakesNoMoreStreams) {
  OneShot<bool> go;
  Serve([&](StreamPtr stream) -> Awaitable<void> {
    if (stream->number > 0) co_return Answer(*stream, "hello");
    stream->Headers(200);
    stream->Data("first");
    co_await go.Wait();
    stream->Data(" last", /*ends=*/true);
  });

  auto first = Get();
  first->WaitForBody("first");
  EXPECT_EQ(Get()->Wait().kind, Kind::kOk);
  EXPECT_EQ(server_->connections(), 1);
  clock_.Advance(transport_->max_connection_age);
  EXPECT_EQ(Get()->Wait().kind, Kind::kOk);

  EXPECT_EQ(server_->connections(), 2);
  go.Set(true);
  EXPECT_EQ(first->Wait().kind, Kind::kOk);
}

TEST_F(CurlHttp2Test, SendsABodyLargerThanTheWindow) {
  Serve([](StreamPtr stream) -> Awaitable<void> {
    Answer(*stream, "hello");
    co_return;
  });
  HttpRequest request;
  request.body.assign(900 * 1024, 'x');

  EXPECT_EQ(Send(std::move(request))->Wait().kind, Kind::kOk);
}

TEST_F(CurlHttp2Test, ABrokenConnectionResetsAllItsStreams) {
  std::vector<std::promise<void>> ended(2);
  Serve([&](StreamPtr stream) -> Awaitable<void> {
    stream->Headers(200);
    stream->Data("half");
    co_await stream->WaitForEnd();
    ended[static_cast<size_t>(stream->number)].set_value();
  });
  auto first = Get();
  auto second = Get();
  first->WaitForBody("half");
  second->WaitForBody("half");

  tls_.reset();

  EXPECT_EQ(first->Wait().kind, Kind::kReset);
  EXPECT_EQ(second->Wait().kind, Kind::kReset);
  for (auto& one : ended) one.get_future().wait();
}

TEST_F(CurlHttp2Test, AServerWithoutHttp2GetsAConnectionForEachRequest) {
  constexpr int kRequests = 10;
  std::atomic<int> began = 0;
  std::vector<OneShot<bool>> go(kRequests);
  LoopbackServer plain([&](LoopbackExchange& exchange) -> Awaitable<void> {
    const auto number = static_cast<size_t>(began++);
    co_await exchange.StartChunks(200, "");
    co_await exchange.Chunk("first");
    co_await go[number].Wait();
    co_await exchange.Chunk(" last");
    co_await exchange.EndChunks();
  });
  tls_ = std::make_unique<LoopbackTls>(LoopbackTlsOptions{
      .certificate = authority_.Issue("IP:127.0.0.1"), .backend_port = plain.port()});
  transport_ = Transport(/*max_connections=*/2);

  std::vector<std::shared_ptr<Recorder>> recorders;
  for (int i = 0; i < kRequests; ++i) recorders.push_back(Get());
  for (auto& recorder : recorders) recorder->WaitForBody("first");
  for (auto& one : go) one.Set(true);

  for (auto& recorder : recorders) {
    EXPECT_EQ(recorder->Wait().kind, Kind::kOk) << recorder->Wait().message;
    EXPECT_EQ(recorder->body(), "first last");
  }
  EXPECT_EQ(tls_->connections(), kRequests);
}

}  // namespace
}  // namespace penstock::http
