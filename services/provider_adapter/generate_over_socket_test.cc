// One call over libcurl and a socket.
#include <optional>
#include <string>

#include <boost/asio/executor_work_guard.hpp>
#include <boost/asio/io_context.hpp>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "libs/async/inline_executor.h"
#include "libs/http/curl_client.h"
#include "libs/http/loopback_server.h"
#include "libs/http/loopback_tls.h"
#include "services/provider_adapter/generate_fixture.h"

#include "absl/strings/str_cat.h"

namespace penstock::provider_adapter {
namespace {

using provider::v1::GenerateRequest;
using testing::ElementsAre;
using testing::HasSubstr;

class GenerateOverSocketTest : public testing::Test {
 protected:
  // Runs one call to its end.
  void Call(http::LoopbackServer& server) { Call(Config(server.Url("/v1"))); }
  void Call(const config::v1::Config& config) {
    auto generator =
        *Generator::Create(config, Environment, client_, client_.timers(), SystemClock(), metrics_);
    std::optional<absl::Status> result;
    Spawn(InlineExecutor(io_), Drive(*generator, result));
    io_.run();
    ASSERT_TRUE(result.has_value());
    EXPECT_EQ(*result, absl::OkStatus());
  }

  Awaitable<void> Drive(Generator& generator, std::optional<absl::Status>& result) {
    result = co_await generator.Generate(request_, sink_, {});
    work_.reset();
  }

  boost::asio::io_context io_;
  boost::asio::executor_work_guard<boost::asio::io_context::executor_type> work_{
      io_.get_executor()};
  obs::Metrics metrics_;
  http::CurlClient client_{{}, SystemClock()};
  GenerateRequest request_ = Request();
  FakeSink sink_;
};

TEST_F(GenerateOverSocketTest, RelaysAStream) {
  std::string target;
  http::LoopbackServer server([&](http::LoopbackExchange& exchange) -> Awaitable<void> {
    target = std::string(exchange.request.target());
    co_await exchange.StartChunks(200,
                                  "Content-Type: text/event-stream\r\nx-request-id: req_1\r\n");
    co_await exchange.Chunk(TextChunk("Hel"));
    co_await exchange.Chunk(TextChunk("lo"));
    co_await exchange.Chunk(absl::StrCat(kFinish, kUsage, kDone));
    co_await exchange.EndChunks();
  });

  Call(server);

  EXPECT_EQ(target, "/v1/chat/completions");
  EXPECT_EQ(sink_.lines.front(), "STARTED req_1");
  EXPECT_EQ(sink_.lines.back(), "FINISHED Hello");
}

TEST_F(GenerateOverSocketTest, TellsOfAProviderThatIsNotThere) {
  Call(Config(absl::StrCat("http://127.0.0.1:", http::UnusedPort(), "/v1")));

  EXPECT_THAT(sink_.lines, ElementsAre("FAILED PROVIDER_UNREACHABLE"));
  EXPECT_TRUE(sink_.events[0].failed().not_sent());
}

TEST_F(GenerateOverSocketTest, TellsOfACertificateThatIsNotTrusted) {
  const http::TestAuthority authority;
  http::LoopbackTls tls({.certificate = authority.Issue("IP:127.0.0.1"), .backend_port = 1});

  Call(Config(tls.Url("/v1")));

  EXPECT_THAT(sink_.lines, ElementsAre("FAILED PROVIDER_UNREACHABLE"));
  EXPECT_TRUE(sink_.events[0].failed().not_sent());
  EXPECT_THAT(sink_.events[0].failed().message(), HasSubstr("certificate"));
}

TEST_F(GenerateOverSocketTest, DoesNotFollowARedirect) {
  int requests = 0;
  http::LoopbackServer server([&](http::LoopbackExchange& exchange) -> Awaitable<void> {
    ++requests;
    co_await exchange.Respond(307, "Location: /v2/chat/completions\r\n", "");
  });

  Call(server);

  EXPECT_THAT(sink_.lines, ElementsAre("FAILED MALFORMED_RESPONSE"));
  EXPECT_THAT(sink_.events[0].failed().message(), HasSubstr("not followed"));
  EXPECT_EQ(requests, 1);
}

TEST_F(GenerateOverSocketTest, CutsAnAnswerThatIsTooLong) {
  http::LoopbackServer server([&](http::LoopbackExchange& exchange) -> Awaitable<void> {
    co_await exchange.StartChunks(200, "Content-Type: text/event-stream\r\n");
    co_await exchange.Chunk(TextChunk("Hello"));
    // No text, so that only this bound ends it.
    while (true) co_await exchange.Chunk(absl::StrCat(": ", std::string(1000, '.'), "\n"));
  });
  config::v1::Config config = Config(server.Url("/v1"));
  config.mutable_providers(0)->set_max_answer_bytes(100'000);

  Call(config);

  EXPECT_EQ(sink_.lines.back(), "FAILED MALFORMED_RESPONSE");
  EXPECT_THAT(sink_.events.back().failed().message(),
              HasSubstr("longer than 100000 bytes, which is the provider's max_answer_bytes"));
  EXPECT_THAT(metrics_.Render(),
              HasSubstr("penstock_provider_adapter_answers_too_large_total{provider=\"sim\"} 1"));
}

}  // namespace
}  // namespace penstock::provider_adapter
