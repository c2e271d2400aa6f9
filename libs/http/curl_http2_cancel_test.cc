// Streams that we end early: the server hears of it at once, though all others are silent, and the
// others go on.
#include <future>
#include <memory>
#include <string>
#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "libs/async/one_shot.h"
#include "libs/http/curl_http2_fixture.h"

namespace penstock::http {
namespace {

using Kind = HttpOutcome::Kind;

class CurlHttp2CancelTest : public CurlHttp2Test {
 protected:
  // Each stream says `first` and is silent until GoOn, or its end.
  void ServeSilentStreams(int streams, std::string first = "half") {
    ended_ = std::vector<std::promise<void>>(static_cast<size_t>(streams));
    go_on_ = std::vector<OneShot<bool>>(static_cast<size_t>(streams));
    Serve([this, first](StreamPtr stream) -> Awaitable<void> {
      stream->Headers(200);
      stream->Data(first);
      const auto number = static_cast<size_t>(stream->number);
      stream->on_end = [this, number] {
        go_on_[number].Set(false);
        ended_[number].set_value();
      };
      if (co_await go_on_[number].Wait()) stream->Data(" and half", /*ends=*/true);
    });
  }
  // A call to the server, whose first half has come.
  std::shared_ptr<Recorder> Begin() {
    auto recorder = Get();
    calls_.push_back(call_);
    recorder->WaitForBody("half");
    return recorder;
  }
  void WaitForEndOf(int number) { ended_[static_cast<size_t>(number)].get_future().wait(); }
  void GoOn(int number) { go_on_[static_cast<size_t>(number)].Set(true); }

  std::vector<HttpCallId> calls_;

 private:
  std::vector<std::promise<void>> ended_;
  std::vector<OneShot<bool>> go_on_;
};

TEST_F(CurlHttp2CancelTest, CancelResetsItsStreamAlone) {
  ServeSilentStreams(3);
  auto first = Begin();
  auto second = Begin();

  client_.Cancel(calls_[0]);
  WaitForEndOf(0);
  GoOn(1);

  EXPECT_EQ(first->Wait().kind, Kind::kCancelled);
  EXPECT_EQ(first->body(), "half");
  EXPECT_EQ(second->Wait().kind, Kind::kOk);
  EXPECT_EQ(second->body(), "half and half");
  auto third = Begin();
  GoOn(2);
  EXPECT_EQ(third->Wait().kind, Kind::kOk);
  EXPECT_EQ(server_->connections(), 1);
}

TEST_F(CurlHttp2CancelTest, EachOfManyCanBeCancelledWhileTheOthersAreSilent) {
  constexpr int kStreams = 60;
  ServeSilentStreams(kStreams);
  std::vector<std::shared_ptr<Recorder>> recorders;
  for (int i = 0; i < kStreams; ++i) recorders.push_back(Begin());

  for (int i = 0; i < kStreams; i += 2) {
    client_.Cancel(calls_[static_cast<size_t>(i)]);
    WaitForEndOf(i);
  }
  for (int i = 1; i < kStreams; i += 2) GoOn(i);

  for (int i = 0; i < kStreams; ++i) {
    const auto& recorder = recorders[static_cast<size_t>(i)];
    EXPECT_EQ(recorder->Wait().kind, i % 2 == 0 ? Kind::kCancelled : Kind::kOk) << i;
    EXPECT_EQ(recorder->body(), i % 2 == 0 ? "half" : "half and half") << i;
  }
  EXPECT_EQ(server_->connections(), 1);
}

TEST_F(CurlHttp2CancelTest, ManyAreCancelledAtATime) {
  constexpr int kStreams = 150;
  ServeSilentStreams(kStreams + 1);
  std::vector<std::shared_ptr<Recorder>> recorders;
  for (int i = 0; i < kStreams; ++i) recorders.push_back(Begin());
  EXPECT_EQ(server_->connections(), 2);

  for (const HttpCallId call : calls_) client_.Cancel(call);

  for (int i = 0; i < kStreams; ++i) WaitForEndOf(i);
  for (auto& recorder : recorders) EXPECT_EQ(recorder->Wait().kind, Kind::kCancelled);
  auto next = Begin();
  GoOn(kStreams);
  EXPECT_EQ(next->Wait().kind, Kind::kOk);
}

TEST_F(CurlHttp2CancelTest, CancelOfTheOnlyStreamClosesItsConnection) {
  ServeSilentStreams(2);
  auto first = Begin();

  client_.Cancel(calls_[0]);
  WaitForEndOf(0);

  EXPECT_EQ(first->Wait().kind, Kind::kCancelled);
  auto second = Begin();
  EXPECT_EQ(server_->connections(), 2);
  GoOn(1);
  EXPECT_EQ(second->Wait().kind, Kind::kOk);
}

TEST_F(CurlHttp2CancelTest, AnAnswerThatIsTooLongEndsItsStreamAlone) {
  ServeSilentStreams(3, "one half");
  auto silent = Begin();

  for (int i = 1; i < 3; ++i) {
    EXPECT_EQ(Send({.max_answer_bytes = 7})->Wait().kind, Kind::kTooLarge);
    WaitForEndOf(i);
  }
  GoOn(0);

  EXPECT_EQ(silent->Wait().kind, Kind::kOk);
  EXPECT_EQ(silent->body(), "one half and half");
  EXPECT_EQ(server_->connections(), 1);
}

TEST_F(CurlHttp2CancelTest, AReaderWhoHasEnoughEndsItsStreamAlone) {
  ServeSilentStreams(2);
  auto silent = Begin();

  HttpRequest request;
  auto rude = std::make_shared<Recorder>();
  rude->on_body = [](absl::string_view) { return Flow::kAbort; };
  request.url = tls_->Url("/");
  request.transport = transport_;
  client_.Start(std::move(request), rude);

  EXPECT_EQ(rude->Wait().kind, Kind::kCancelled);
  WaitForEndOf(1);
  GoOn(0);
  EXPECT_EQ(silent->Wait().kind, Kind::kOk);
  EXPECT_EQ(server_->connections(), 1);
}

TEST_F(CurlHttp2CancelTest, ATimeLimitEndsItsStreamAlone) {
  ServeSilentStreams(2);
  auto silent = Begin();

  EXPECT_EQ(Send({.idle_timeout = absl::Milliseconds(1)})->Wait().kind, Kind::kTimeoutIdle);
  WaitForEndOf(1);
  GoOn(0);

  EXPECT_EQ(silent->Wait().kind, Kind::kOk);
  EXPECT_EQ(server_->connections(), 1);
}

// Both are read together: where libcurl looks at the one that fails first, its reset is queued on a
// connection that no stream is left on.
TEST_F(CurlHttp2CancelTest, AResetIsNotForgottenWhenTheLastOtherStreamEndsMeanwhile) {
  constexpr size_t kRounds = 8;
  std::vector<std::promise<void>> ended(kRounds);
  std::vector<OneShot<bool>> go(kRounds);
  std::vector<StreamPtr> streams;
  Serve([&](StreamPtr stream) -> Awaitable<void> {
    const size_t round = streams.size() / 2;
    streams.push_back(stream);
    stream->Headers(200);
    stream->Data("first");
    if (streams.size() % 2 == 1) co_return;
    co_await go[round].Wait();
    const size_t fails = round % 2;
    streams[2 * round + fails]->on_end = [&ended, round] { ended[round].set_value(); };
    streams[2 * round + fails]->Data(" too long");
    streams[2 * round + 1 - fails]->Data(" last", /*ends=*/true);
  });

  for (size_t round = 0; round < kRounds; ++round) {
    std::vector<std::shared_ptr<Recorder>> pair;
    for (size_t i = 0; i < 2; ++i) {
      pair.push_back(Send({.max_answer_bytes = i == round % 2 ? 8 : 100}));
      pair.back()->WaitForBody("first");
    }
    go[round].Set(true);

    EXPECT_EQ(pair[round % 2]->Wait().kind, Kind::kTooLarge);
    EXPECT_EQ(pair[1 - round % 2]->Wait().kind, Kind::kOk);
    EXPECT_EQ(pair[1 - round % 2]->body(), "first last");
    ended[round].get_future().wait();
  }
}

TEST_F(CurlHttp2CancelTest, ARequestThatIsStillBeingSentIsCancelled) {
  OneShot<bool> go_on;
  Serve([&](StreamPtr stream) -> Awaitable<void> {
    if (stream->number > 0) co_return;
    stream->Headers(200);
    stream->Data("half");
    co_await go_on.Wait();
    stream->Data(" and half", /*ends=*/true);
  });
  auto silent = Begin();

  for (int i = 0; i < 20; ++i) {
    HttpRequest request;
    request.body.assign(900 * 1024, 'x');
    auto large = Send(std::move(request));
    client_.Cancel(call_);
    EXPECT_EQ(large->Wait().kind, Kind::kCancelled);
  }
  go_on.Set(true);

  EXPECT_EQ(silent->Wait().kind, Kind::kOk);
  EXPECT_EQ(silent->body(), "half and half");
  EXPECT_EQ(server_->connections(), 1);
}

}  // namespace
}  // namespace penstock::http
