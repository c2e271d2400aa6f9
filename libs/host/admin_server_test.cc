#include "libs/host/admin_server.h"

#include <filesystem>
#include <memory>
#include <string>
#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include "libs/host/http_for_test.h"

namespace penstock::host {
namespace {

using testing::EndsWith;
using testing::HasSubstr;
using testing::Not;
using testing::StartsWith;

class StoreForTest : public Service {
 public:
  absl::string_view name() const override { return "session-state"; }
  absl::Status Start() override { return absl::OkStatus(); }
  absl::Status Ready() const override { return ready; }
  void Drain(absl::Duration) override {}
  void Stop() override {}

  absl::Status ready;
};

class AdminServerTest : public testing::Test {
 protected:
  std::unique_ptr<AdminServer> Listen(const std::string& address) {
    return AdminServer::Listen(ParseEndpoint(address).value(), metrics_, health_).value();
  }

  obs::Metrics metrics_;
  Health health_;
  StoreForTest store_;
  std::unique_ptr<AdminServer> server_ = Listen("127.0.0.1:0");
};

TEST_F(AdminServerTest, ShowsTheMetricsInPrometheusText) {
  metrics_.AddCounter("penstock_test_total", "Tests.").Increment();

  const std::string response = GetForTest(server_->address(), "/metrics?x=1");

  EXPECT_THAT(response, StartsWith("HTTP/1.1 200 OK\r\n"));
  EXPECT_THAT(response, HasSubstr("Content-Type: text/plain; version=0.0.4"));
  EXPECT_THAT(response, HasSubstr("\npenstock_test_total 1\n"));
}

TEST_F(AdminServerTest, IsAliveBeforeItIsReady) {
  EXPECT_THAT(GetForTest(server_->address(), "/healthz"), StartsWith("HTTP/1.1 200 OK\r\n"));
  const std::string ready = GetForTest(server_->address(), "/readyz");

  EXPECT_THAT(ready, StartsWith("HTTP/1.1 503 "));
  EXPECT_THAT(ready,
              EndsWith(R"({"ready":false,"reasons":[{"service":"process","reason":"starting"}]})"
                       "\n"));
}

TEST_F(AdminServerTest, IsReadyWhenEveryServiceIs) {
  health_.StartServing({&store_});

  const std::string ready = GetForTest(server_->address(), "/readyz");

  EXPECT_THAT(ready, StartsWith("HTTP/1.1 200 OK\r\n"));
  EXPECT_THAT(ready, HasSubstr("Content-Type: application/json\r\n"));
  EXPECT_THAT(ready, EndsWith("{\"ready\":true,\"reasons\":[]}\n"));
}

TEST_F(AdminServerTest, SaysWhichStoreIsNotReady) {
  store_.ready = absl::UnavailableError("the disk is \"full\"");
  health_.StartServing({&store_});

  EXPECT_THAT(GetForTest(server_->address(), "/readyz"),
              HasSubstr(R"({"service":"session-state","reason":"the disk is \"full\""})"));
}

TEST_F(AdminServerTest, IsNotReadyOnceItStops) {
  health_.StartServing({&store_});
  health_.StopServing();

  EXPECT_THAT(GetForTest(server_->address(), "/readyz"),
              HasSubstr(R"({"service":"process","reason":"stopping"})"));
}

TEST_F(AdminServerTest, AnswersHeadWithoutABody) {
  const std::string response = GetForTest(server_->address(), "/healthz", "HEAD");

  EXPECT_THAT(response, StartsWith("HTTP/1.1 200 OK\r\n"));
  EXPECT_THAT(response, HasSubstr("Content-Length: 3\r\n"));
  EXPECT_THAT(response, EndsWith("\r\n\r\n"));
}

TEST_F(AdminServerTest, RefusesOtherPathsAndMethodsClearly) {
  EXPECT_THAT(GetForTest(server_->address(), "/"), StartsWith("HTTP/1.1 404 Not Found\r\n"));
  EXPECT_THAT(GetForTest(server_->address(), "/metricsx"), HasSubstr("known are /metrics"));
  const std::string post = GetForTest(server_->address(), "/metrics", "POST");
  EXPECT_THAT(post, StartsWith("HTTP/1.1 405 Method Not Allowed\r\n"));
  EXPECT_THAT(post, HasSubstr("Allow: GET, HEAD\r\n"));
}

TEST_F(AdminServerTest, KeepsAConnectionOpenForTheNextRequest) {
  HttpForTest client(server_->address());

  client.Send("GET /healthz HTTP/1.1\r\nHost: x\r\n\r\n");
  EXPECT_THAT(client.ReadUntil("ok\n"), StartsWith("HTTP/1.1 200 OK\r\n"));
  client.Send("GET /healthz HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n");
  EXPECT_THAT(client.ReadAll(), StartsWith("HTTP/1.1 200 OK\r\n"));
}

TEST_F(AdminServerTest, RefusesAHeaderThatIsTooLarge) {
  HttpForTest client(server_->address());

  client.Send("GET /healthz HTTP/1.1\r\nX: " + std::string(9000, 'x') + "\r\n\r\n");

  EXPECT_THAT(client.ReadAll(), StartsWith("HTTP/1.1 431 "));
}

TEST_F(AdminServerTest, RefusesABodyAndWhatIsNoHttp) {
  HttpForTest body(server_->address());
  body.Send("GET /healthz HTTP/1.1\r\nHost: x\r\nContent-Length: 5\r\n\r\nhello");
  EXPECT_THAT(body.ReadAll(), StartsWith("HTTP/1.1 400 "));

  HttpForTest noise(server_->address());
  noise.Send("\x16\x03\x01 hello there\r\n\r\n");
  EXPECT_THAT(noise.ReadAll(), StartsWith("HTTP/1.1 400 "));
}

TEST_F(AdminServerTest, ClosesConnectionsBeyondItsBoundAtOnce) {
  std::vector<std::unique_ptr<HttpForTest>> held;
  for (int i = 0; i < 64; ++i) {
    held.push_back(std::make_unique<HttpForTest>(server_->address()));
    held.back()->Send("GET /healthz HTTP/1.1\r\nHost: x\r\n\r\n");
    ASSERT_THAT(held.back()->ReadUntil("ok\n"), EndsWith("ok\n"));
  }

  HttpForTest beyond(server_->address());

  EXPECT_EQ(beyond.ReadAll(), "");
}

TEST_F(AdminServerTest, ListensOnAUnixSocketAndReplacesAStaleOne) {
  const std::string path =
      std::filesystem::temp_directory_path() / ("penstock_admin_" + std::to_string(getpid()));
  {
    boost::asio::io_context io;
    boost::asio::local::stream_protocol::acceptor stale(io, path);
  }
  ASSERT_TRUE(std::filesystem::exists(path));

  auto server = Listen("unix:" + path);

  EXPECT_THAT(GetForTest("unix:" + path, "/healthz"), StartsWith("HTTP/1.1 200 OK\r\n"));
  server.reset();
  EXPECT_FALSE(std::filesystem::exists(path));
}

TEST_F(AdminServerTest, SaysWhyItCannotListen) {
  const auto second =
      AdminServer::Listen(ParseEndpoint(server_->address()).value(), metrics_, health_);

  EXPECT_EQ(second.status().code(), absl::StatusCode::kUnavailable);
  EXPECT_EQ(second.status().message(),
            "cannot listen on " + server_->address() + ": Address already in use");
}

}  // namespace
}  // namespace penstock::host
