// Calls over HTTP/2, as the default configuration makes them over TLS.
#include <atomic>
#include <functional>
#include <memory>
#include <optional>
#include <stop_token>
#include <string>
#include <utility>

#include <boost/asio/executor_work_guard.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/post.hpp>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "libs/async/inline_executor.h"
#include "libs/async/one_shot.h"
#include "libs/http/curl_client.h"
#include "libs/http/loopback_http2.h"
#include "libs/http/loopback_server.h"
#include "libs/http/loopback_tls.h"
#include "services/provider_adapter/generate_fixture.h"

#include "absl/strings/str_cat.h"

namespace penstock::provider_adapter {
namespace {

using testing::HasSubstr;
using StreamPtr = std::shared_ptr<http::Http2Stream>;

// RFC 9113 section 7.
constexpr uint32_t kInternalError = 2;
constexpr uint32_t kRefusedStream = 7;

// Calls its function after the first write.
class CallbackSink : public FakeSink {
 public:
  std::function<void()> on_first_write;

  Awaitable<absl::Status> Write(provider::v1::GenerateEventBatch batch) override {
    const absl::Status status = co_await FakeSink::Write(std::move(batch));
    if (on_first_write) std::exchange(on_first_write, nullptr)();
    co_return status;
  }
};

class GenerateOverHttp2Test : public testing::Test {
 protected:
  void Serve(http::LoopbackHttp2::Handler handler) {
    server_ = std::make_unique<http::LoopbackHttp2>(std::move(handler));
    ServeTls(server_->port(), "h2");
  }
  void ServeTls(int backend_port, std::string alpn) {
    tls_ = std::make_unique<http::LoopbackTls>(
        http::LoopbackTlsOptions{.certificate = authority_.Issue("IP:127.0.0.1"),
                                 .backend_port = backend_port,
                                 .alpn = std::move(alpn)});
    config::v1::Config config = Config(tls_->Url("/v1"));
    config.mutable_providers(0)->set_ca_file(authority_.ca_file());
    generator_ =
        *Generator::Create(config, Environment, client_, client_.timers(), SystemClock(), metrics_);
  }
  // Begins a call; Run returns when all have ended.
  void Begin(FakeSink& sink, std::optional<absl::Status>& result, std::stop_token stop = {}) {
    ++running_;
    Spawn(InlineExecutor(io_), Drive(sink, result, stop));
  }
  void Run() { io_.run(); }
  // One call from its beginning to its end.
  void Call() {
    Begin(sink_, result_);
    Run();
    EXPECT_EQ(result_, absl::OkStatus());
  }
  std::string Metric(const std::string& name) const {
    return absl::StrCat("penstock_provider_adapter_", name, "{provider=\"sim\"}");
  }

  // They outlive the client, whose thread posts to them.
  boost::asio::io_context io_;
  boost::asio::executor_work_guard<boost::asio::io_context::executor_type> work_{
      io_.get_executor()};
  http::TestAuthority authority_;
  obs::Metrics metrics_;
  std::unique_ptr<http::LoopbackHttp2> server_;
  std::unique_ptr<http::LoopbackTls> tls_;
  http::CurlClient client_{{}, SystemClock()};
  std::unique_ptr<Generator> generator_;
  FakeSink sink_;
  std::optional<absl::Status> result_;

 private:
  Awaitable<void> Drive(FakeSink& sink, std::optional<absl::Status>& result, std::stop_token stop) {
    co_await RunCall(*generator_, request_, sink, stop, result);
    // On Run's thread, which may end as soon as it is done.
    if (--running_ == 0) boost::asio::post(io_, [this] { work_.reset(); });
  }

  const provider::v1::GenerateRequest request_ = Request();
  std::atomic<int> running_ = 0;
};

TEST_F(GenerateOverHttp2Test, RelaysAStream) {
  Serve([](StreamPtr stream) -> Awaitable<void> {
    stream->Headers(200);
    stream->Data(TextChunk("Hello"));
    stream->Data(absl::StrCat(kFinish, kUsage, kDone), /*ends=*/true);
    co_return;
  });

  Call();

  EXPECT_EQ(sink_.lines.back(), "FINISHED Hello");
  EXPECT_EQ(server_->connections(), 1);
  EXPECT_THAT(metrics_.Render(), HasSubstr(Metric("connections_opened_total") + " 1"));
}

TEST_F(GenerateOverHttp2Test, AStreamThatTheProviderResetsKeepsItsText) {
  OneShot<bool> told;
  Serve([&](StreamPtr stream) -> Awaitable<void> {
    stream->Headers(200);
    stream->Data(TextChunk("Hel"));
    co_await told.Wait();
    stream->Reset(kInternalError);
  });
  CallbackSink sink;
  sink.on_first_write = [&] { told.Set(true); };

  Begin(sink, result_);
  Run();

  EXPECT_EQ(result_, absl::OkStatus());
  EXPECT_EQ(sink.lines.back(), "FAILED STREAM_TRUNCATED");
  EXPECT_THAT(sink.lines, testing::Contains("DELTA Hel"));
  EXPECT_FALSE(sink.events.back().failed().not_sent());
}

TEST_F(GenerateOverHttp2Test, AStreamThatTheProviderRefusesWasNotSent) {
  Serve([](StreamPtr stream) -> Awaitable<void> {
    stream->Reset(kRefusedStream);
    co_return;
  });

  Call();

  EXPECT_THAT(sink_.lines, testing::ElementsAre("FAILED PROVIDER_UNREACHABLE"));
  EXPECT_TRUE(sink_.events[0].failed().not_sent());
}

TEST_F(GenerateOverHttp2Test, AStreamThatBreaksBeforeItsAnswerMayHaveBeenWorkedOn) {
  Serve([](StreamPtr stream) -> Awaitable<void> {
    stream->Reset(kInternalError);
    co_return;
  });

  Call();

  EXPECT_THAT(sink_.lines, testing::ElementsAre("FAILED PROVIDER_UNREACHABLE"));
  EXPECT_FALSE(sink_.events[0].failed().not_sent());
}

// The provider hears of it while the only other stream of the connection is silent.
TEST_F(GenerateOverHttp2Test, ACancelledCallEndsItsStreamAtOnceAndNoOther) {
  OneShot<bool> first_ended;
  Serve([&](StreamPtr stream) -> Awaitable<void> {
    stream->Headers(200);
    stream->Data(TextChunk("Hel"));
    if (stream->number == 0) {
      stream->on_end = [&] { first_ended.Set(true); };
      co_return;
    }
    co_await first_ended.Wait();
    stream->Data(absl::StrCat(TextChunk("lo"), kFinish, kUsage, kDone), /*ends=*/true);
  });
  std::stop_source stop;
  CallbackSink first;
  CallbackSink second;
  std::optional<absl::Status> first_result;
  first.on_first_write = [&] { Begin(second, result_); };
  second.on_first_write = [&] { stop.request_stop(); };

  Begin(first, first_result, stop.get_token());
  Run();

  EXPECT_EQ(first_result->code(), absl::StatusCode::kCancelled);
  EXPECT_EQ(result_, absl::OkStatus());
  EXPECT_EQ(second.lines.back(), "FINISHED Hello");
  EXPECT_EQ(server_->connections(), 1);
  EXPECT_THAT(metrics_.Render(), HasSubstr(Metric("connections_reused_total") + " 1"));
}

TEST_F(GenerateOverHttp2Test, AProviderWithoutHttp2IsSpokenToInHttp1) {
  http::LoopbackServer server([](http::LoopbackExchange& exchange) -> Awaitable<void> {
    co_await exchange.StartChunks(200, "Content-Type: text/event-stream\r\n");
    co_await exchange.Chunk(absl::StrCat(TextChunk("Hello"), kFinish, kUsage, kDone));
    co_await exchange.EndChunks();
  });
  ServeTls(server.port(), "http/1.1");

  Call();

  EXPECT_EQ(sink_.lines.back(), "FINISHED Hello");
}

}  // namespace
}  // namespace penstock::provider_adapter
