#include "services/provider_adapter/generate.h"

#include <memory>
#include <string>

#include <boost/asio/io_context.hpp>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "libs/async/fake_timers.h"
#include "libs/async/inline_executor.h"
#include "libs/base/fake_clock.h"
#include "libs/base/refusal.h"
#include "services/provider_adapter/generate_fixture.h"

#include "absl/strings/str_cat.h"

namespace penstock::provider_adapter {
namespace {

using http::Flow;
using http::HttpOutcome;
using provider::v1::GenerateRequest;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::StartsWith;

class GenerateTest : public testing::Test {
 protected:
  // Starts a call and leaves it waiting for its provider.
  void Start() {
    Spawn(executor_, RunCall(*generator_, request_, sink_, stop_.get_token(), result_));
  }
  void Pump() {
    io_.restart();
    io_.poll();
  }
  http::HttpObserver& Provider() { return *client_.calls.back().observer; }
  void Answer200() {
    Provider().OnHeaders(200, Headers({"Content-Type: text/event-stream", "x-request-id: req_1"}));
  }
  Flow Body(absl::string_view bytes) { return Provider().OnBody(bytes); }
  void Done(HttpOutcome::Kind kind = HttpOutcome::Kind::kOk, bool not_sent = false) {
    Provider().OnDone({.kind = kind, .not_sent = not_sent, .message = "why"});
  }

  boost::asio::io_context io_;
  Executor executor_ = InlineExecutor(io_);
  FakeClock clock_;
  FakeTimers timers_{clock_};
  FakeHttpClient client_;
  obs::Metrics metrics_;
  std::unique_ptr<Generator> generator_ =
      *Generator::Create(Config("http://sim/v1"), Environment, client_, timers_, clock_, metrics_);
  GenerateRequest request_ = Request();
  FakeSink sink_;
  std::stop_source stop_;
  std::optional<absl::Status> result_;
};

TEST_F(GenerateTest, SendsOneRequestWithItsLimits) {
  request_.mutable_deadline()->set_seconds(absl::ToUnixSeconds(clock_.Now()) + 90);
  Start();

  ASSERT_EQ(client_.calls.size(), 1u);
  const http::HttpRequest& request = client_.calls[0].request;
  EXPECT_EQ(request.url, "http://sim/v1/chat/completions");
  EXPECT_THAT(request.headers, testing::Contains("Authorization: Bearer sk-1"));
  EXPECT_THAT(request.headers, testing::Contains("X-Client-Request-Id: t1.2"));
  EXPECT_THAT(request.body,
              StartsWith(R"({"model":"m","messages":[{"role":"user","content":"hi"}])"));
  EXPECT_EQ(request.connect_timeout, absl::Seconds(5));
  EXPECT_EQ(request.first_byte_timeout, absl::Seconds(60));
  EXPECT_EQ(request.idle_timeout, absl::Seconds(30));
  EXPECT_EQ(request.total_timeout, absl::Seconds(90));
  EXPECT_EQ(request.max_answer_bytes, 1 << 20);
  EXPECT_EQ(request.transport->max_connection_age, absl::Minutes(10));
  Done();
}

TEST_F(GenerateTest, RelaysAnAnswer) {
  Start();
  Answer200();
  EXPECT_EQ(Body(TextChunk("Hel")), Flow::kMore);
  EXPECT_THAT(sink_.lines, ElementsAre("STARTED req_1", "DELTA Hel"));
  EXPECT_EQ(Body(TextChunk("lo")), Flow::kMore);
  EXPECT_EQ(Body(absl::StrCat(kFinish, kUsage, kDone)), Flow::kEnough);

  EXPECT_THAT(sink_.lines, ElementsAre("STARTED req_1", "DELTA Hel", "DELTA lo", "FINISHED Hello"));
  EXPECT_EQ(sink_.events.back().finished().cost_nano_usd(), 10'000 + 40'000);
  EXPECT_EQ(result_, absl::OkStatus());
  EXPECT_FALSE(client_.calls[0].cancelled);
  Done();
}

TEST_F(GenerateTest, HoldsLaterDeltasForTheInterval) {
  Start();
  Answer200();
  Body(TextChunk("a"));
  Body(TextChunk("b"));
  Body(TextChunk("c"));
  timers_.Advance(absl::Milliseconds(24));
  EXPECT_THAT(sink_.lines, ElementsAre("STARTED req_1", "DELTA a"));

  timers_.Advance(absl::Milliseconds(1));
  EXPECT_THAT(sink_.lines, ElementsAre("STARTED req_1", "DELTA a", "DELTA bc"));

  timers_.Advance(absl::Seconds(1));
  Body(TextChunk("d"));
  EXPECT_THAT(sink_.lines, ElementsAre("STARTED req_1", "DELTA a", "DELTA bc", "DELTA d"));
  stop_.request_stop();
  Pump();
}

TEST_F(GenerateTest, RelaysCallsOfToolsAtOnce) {
  const auto call = [](absl::string_view piece) {
    return absl::StrCat(R"(data: {"choices":[{"delta":{"tool_calls":[{"index":0,)", piece,
                        "}]}}]}\n\n");
  };
  request_.add_tools()->set_name("clock");
  Start();
  EXPECT_THAT(client_.calls[0].request.body, HasSubstr(R"("tools":[{"type":"function",)"));
  Answer200();
  Body(call(R"("id":"a","function":{"name":"clock","arguments":"{"})"));
  Body(call(R"("function":{"arguments":"\"k\":"})"));
  Body(call(R"("function":{"arguments":"1}"})"));
  EXPECT_THAT(sink_.lines, ElementsAre("STARTED req_1", "DELTA {", "DELTA \"k\":", "DELTA 1}"));
  EXPECT_EQ(sink_.events[1].delta().kind(), chat::v1::Delta::TOOL_ARGUMENTS);

  EXPECT_EQ(Body(absl::StrCat(kFinish, kDone)), Flow::kEnough);

  const auto& finished = sink_.events.back().finished();
  EXPECT_EQ(finished.finish_reason(), chat::v1::TOOL_CALLS);
  EXPECT_EQ(finished.message().parts(0).tool_call().arguments(), "{\"k\":1}");
}

TEST_F(GenerateTest, ASlowReaderGetsFewerLargerDeltasAndTheProviderIsReadOn) {
  OneShot<bool> gate;
  sink_.gate = &gate;
  Start();
  Answer200();
  for (int i = 0; i < 100; ++i) EXPECT_EQ(Body(TextChunk("x")), Flow::kMore);
  EXPECT_EQ(Body(absl::StrCat(kFinish, kDone)), Flow::kEnough);
  EXPECT_THAT(sink_.lines, ElementsAre("STARTED req_1", "DELTA x"));

  gate.Set(true);
  Pump();

  EXPECT_THAT(sink_.lines,
              ElementsAre("STARTED req_1", "DELTA x", absl::StrCat("DELTA ", std::string(99, 'x')),
                          absl::StrCat("FINISHED ", std::string(100, 'x'))));
}

TEST_F(GenerateTest, TakesAWholeAnswerInsteadOfAStream) {
  Start();
  Provider().OnHeaders(200, Headers({"Content-Type: application/json"}));
  Body(R"({"choices":[{"message":{"content":"Hel)");
  Body(R"(lo"},"finish_reason":"stop"}]})");
  Done();

  EXPECT_THAT(sink_.lines, ElementsAre("STARTED ", "DELTA Hello", "FINISHED Hello"));
}

TEST_F(GenerateTest, LooksAtTheAnswerWhenItsTypeIsNotSaid) {
  Start();
  Provider().OnHeaders(200, Headers({}));
  Body(absl::StrCat(": hi\n\n", TextChunk("Hello"), kFinish));
  Done();
  EXPECT_THAT(sink_.lines, ElementsAre("STARTED ", "DELTA Hello", "FINISHED Hello"));

  sink_.lines.clear();
  Start();
  Provider().OnHeaders(200, Headers({"Content-Type: text/html"}));
  EXPECT_EQ(Body("<html>"), Flow::kAbort);
  EXPECT_THAT(sink_.lines, ElementsAre("STARTED ", "FAILED MALFORMED_RESPONSE"));
}

TEST_F(GenerateTest, AnAnswerWithoutItsEndFails) {
  Start();
  Answer200();
  Body(TextChunk("Half"));
  Done();

  EXPECT_THAT(sink_.lines, ElementsAre("STARTED req_1", "DELTA Half", "FAILED STREAM_TRUNCATED"));
  EXPECT_EQ(result_, absl::OkStatus());
}

TEST_F(GenerateTest, AResetIsUnreachableBeforeTheAnswerAndTruncatedInIt) {
  Start();
  Done(HttpOutcome::Kind::kReset);
  EXPECT_THAT(sink_.lines, ElementsAre("FAILED PROVIDER_UNREACHABLE"));

  sink_.lines.clear();
  Start();
  Answer200();
  Done(HttpOutcome::Kind::kReset);
  EXPECT_THAT(sink_.lines, ElementsAre("STARTED req_1", "FAILED STREAM_TRUNCATED"));
}

TEST_F(GenerateTest, ABrokenEndAfterTheFinishReasonIsASuccess) {
  Start();
  Answer200();
  Body(absl::StrCat(TextChunk("Hello"), kFinish));
  Done(HttpOutcome::Kind::kReset);

  EXPECT_EQ(sink_.lines.back(), "FINISHED Hello");
}

TEST_F(GenerateTest, TellsWhatNeverReachedTheProvider) {
  Start();
  Done(HttpOutcome::Kind::kConnectFailed, true);

  EXPECT_THAT(sink_.lines, ElementsAre("FAILED PROVIDER_UNREACHABLE"));
  EXPECT_TRUE(sink_.events[0].failed().not_sent());
}

TEST_F(GenerateTest, AnErrorStatusIsClassifiedWithItsBody) {
  Start();
  Provider().OnHeaders(429, Headers({"retry-after: 7", "x-request-id: req_9"}));
  Body(R"({"error":{"message":"slow down",)");
  Body(R"("code":"rate_limit_exceeded"}})");
  Done();

  EXPECT_THAT(sink_.lines, ElementsAre("FAILED PROVIDER_RATE_LIMITED"));
  const auto& failed = sink_.events[0].failed();
  EXPECT_EQ(failed.retry_after().seconds(), 7);
  EXPECT_EQ(failed.http_status(), 429);
  EXPECT_EQ(failed.message(), "sim: HTTP 429 rate_limit_exceeded: slow down (request req_9)");
}

TEST_F(GenerateTest, AnErrorInTheStreamEndsIt) {
  Start();
  Answer200();
  Body(TextChunk("Half"));
  EXPECT_EQ(Body("data: {\"error\":{\"type\":\"server_error\"}}\n\n"), Flow::kAbort);

  EXPECT_EQ(sink_.lines.back(), "FAILED PROVIDER_INTERNAL");
}

TEST_F(GenerateTest, TimeLimitsOfTheProviderAndOfTheTurnDiffer) {
  Start();
  Done(HttpOutcome::Kind::kTimeoutFirstByte);
  Start();
  Done(HttpOutcome::Kind::kTimeoutTotal);

  EXPECT_THAT(sink_.lines, ElementsAre("FAILED PROVIDER_TIMEOUT", "FAILED DEADLINE"));
}

TEST_F(GenerateTest, StopsAtTheBoundOfTheOutput) {
  Start();
  Answer200();
  Body(TextChunk(std::string(1000, 'x')));
  EXPECT_EQ(Body(TextChunk(std::string(1000, 'y'))), Flow::kAbort);

  EXPECT_EQ(sink_.events.back().finished().finish_reason(), chat::v1::LENGTH);
  EXPECT_EQ(sink_.events.back().finished().message().parts(0).text().text().size(), 1024u);
}

TEST_F(GenerateTest, ALineOverTheLimitIsMalformed) {
  Start();
  Answer200();
  EXPECT_EQ(Body(std::string((1 << 20) + 1, 'x')), Flow::kAbort);

  EXPECT_EQ(sink_.lines.back(), "FAILED MALFORMED_RESPONSE");
  EXPECT_THAT(sink_.events.back().failed().message(), HasSubstr("longer than 1048576 bytes"));
}

TEST_F(GenerateTest, CancelClosesTheProvidersConnection) {
  Start();
  Answer200();
  Body(TextChunk("Half"));
  stop_.request_stop();
  Pump();

  EXPECT_EQ(result_->code(), absl::StatusCode::kCancelled);
  EXPECT_TRUE(client_.calls[0].cancelled);
  Body(TextChunk("more"));
  Done(HttpOutcome::Kind::kCancelled);
  EXPECT_THAT(sink_.lines, ElementsAre("STARTED req_1", "DELTA Half"));
}

TEST_F(GenerateTest, AReaderThatIsGoneClosesTheProvidersConnection) {
  sink_.status = absl::UnavailableError("gone");
  Start();
  Answer200();
  Body(TextChunk("Half"));

  EXPECT_EQ(result_, absl::UnavailableError("gone"));
  EXPECT_TRUE(client_.calls[0].cancelled);
}

TEST_F(GenerateTest, RefusesBeyondItsStreamsAndCountsThemBack) {
  FakeSink other_sink;
  std::optional<absl::Status> other_result;
  std::optional<absl::Status> third;
  Start();
  Spawn(executor_, RunCall(*generator_, request_, other_sink, {}, other_result));
  Spawn(executor_, RunCall(*generator_, request_, other_sink, {}, third));

  ASSERT_TRUE(third.has_value());
  EXPECT_EQ(third->code(), absl::StatusCode::kResourceExhausted);
  EXPECT_EQ(ReasonOf(*third), "STREAMS_FULL");
  EXPECT_TRUE(RetryAfterOf(*third).has_value());
  EXPECT_EQ(client_.calls.size(), 2u);

  Done();
  third.reset();
  Spawn(executor_, RunCall(*generator_, request_, other_sink, {}, third));
  EXPECT_EQ(client_.calls.size(), 3u);
  for (auto& call : client_.calls) call.observer->OnDone({});
}

TEST_F(GenerateTest, RefusesBeyondTheStreamsOfTheProcess) {
  config::v1::Config config = Config("http://sim/v1");
  config.mutable_adapter()->set_max_streams(1);
  generator_ = *Generator::Create(config, Environment, client_, timers_, clock_, metrics_);
  FakeSink other_sink;
  std::optional<absl::Status> second;
  Start();
  Spawn(executor_, RunCall(*generator_, request_, other_sink, {}, second));

  ASSERT_TRUE(second.has_value());
  EXPECT_EQ(second->code(), absl::StatusCode::kResourceExhausted);
  EXPECT_EQ(ReasonOf(*second), "STREAMS_FULL");
  EXPECT_EQ(MetadataOf(*second, "limit"), "adapter.max_streams");

  Done();
  second.reset();
  Spawn(executor_, RunCall(*generator_, request_, other_sink, {}, second));
  EXPECT_EQ(client_.calls.size(), 2u);
  client_.calls[1].observer->OnDone({});
}

TEST_F(GenerateTest, RefusesWhatItCannotSend) {
  request_.set_model("sim/other");
  Start();
  EXPECT_EQ(ReasonOf(*result_), "MODEL_UNKNOWN");
  EXPECT_EQ(result_->code(), absl::StatusCode::kUnavailable);

  request_ = Request();
  request_.mutable_deadline()->set_seconds(absl::ToUnixSeconds(clock_.Now()));
  Start();
  EXPECT_EQ(result_->code(), absl::StatusCode::kDeadlineExceeded);
  EXPECT_THAT(client_.calls, IsEmpty());
}

TEST_F(GenerateTest, AnswersARequestThatCanNeverBeSaid) {
  request_.clear_messages();
  Start();

  EXPECT_THAT(sink_.lines, ElementsAre("FAILED INVALID_REQUEST"));
  EXPECT_FALSE(sink_.events[0].failed().not_sent());
  EXPECT_EQ(result_, absl::OkStatus());
}

TEST_F(GenerateTest, CountsCallsByOutcome) {
  Start();
  Answer200();
  Body(absl::StrCat(TextChunk("Hello"), kFinish, kDone));
  Start();
  Provider().OnHeaders(503, Headers({}));
  Done();
  Start();
  stop_.request_stop();
  Pump();

  const std::string text = metrics_.Render();
  const auto calls = [](const std::string& outcome) {
    return "penstock_provider_adapter_calls_total{model=\"sim/m\",outcome=\"" + outcome +
           "\",provider=\"sim\"} 1";
  };
  EXPECT_THAT(text, HasSubstr(calls("OK")));
  EXPECT_THAT(text, HasSubstr(calls("PROVIDER_OVERLOADED")));
  EXPECT_THAT(text, HasSubstr(calls("CANCELLED")));
  EXPECT_THAT(text, HasSubstr("penstock_provider_adapter_open_streams{provider=\"sim\"} 0"));
  EXPECT_THAT(text,
              HasSubstr("time_to_first_token_seconds_count{model=\"sim/m\",provider=\"sim\"} 1"));
}

TEST_F(GenerateTest, CountsWhatCallsCost) {
  for (int call = 0; call < 2; ++call) {
    Start();
    Answer200();
    Body(absl::StrCat(TextChunk("Hello"), kFinish, kUsage, kDone));
  }
  Start();
  Provider().OnHeaders(503, Headers({}));
  Done();

  const std::string text = metrics_.Render();
  const auto tokens = [](const std::string& kind, int count) {
    return absl::StrCat("penstock_provider_adapter_tokens_total{kind=\"", kind,
                        "\",model=\"sim/m\",provider=\"sim\"} ", count);
  };
  EXPECT_THAT(text, HasSubstr(tokens("input", 20)));
  EXPECT_THAT(text, HasSubstr(tokens("output", 40)));
  EXPECT_THAT(text, HasSubstr("cost_usd_total{model=\"sim/m\",provider=\"sim\"} 0.0001"));
}

}  // namespace
}  // namespace penstock::provider_adapter
