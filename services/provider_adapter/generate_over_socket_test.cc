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
#include "services/provider_adapter/generate_fixture.h"

#include "absl/strings/str_cat.h"

namespace penstock::provider_adapter {
namespace {

using provider::v1::GenerateRequest;
using testing::ElementsAre;

class GenerateOverSocketTest : public testing::Test {
 protected:
  // Runs one call to its end.
  void Call(http::LoopbackServer& server) {
    auto generator = *Generator::Create(Config(server.Url("/v1")), Environment, client_,
                                        client_.timers(), SystemClock(), metrics_);
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
  auto generator =
      *Generator::Create(Config(absl::StrCat("http://127.0.0.1:", http::UnusedPort(), "/v1")),
                         Environment, client_, client_.timers(), SystemClock(), metrics_);
  std::optional<absl::Status> result;
  Spawn(InlineExecutor(io_), Drive(*generator, result));
  io_.run();

  EXPECT_THAT(sink_.lines, ElementsAre("FAILED PROVIDER_UNREACHABLE"));
  EXPECT_TRUE(sink_.events[0].failed().not_sent());
}

}  // namespace
}  // namespace penstock::provider_adapter
