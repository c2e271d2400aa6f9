// Requests through a proxy.
#include <cstdlib>
#include <memory>
#include <sstream>
#include <string>

#include <boost/beast/http/write.hpp>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "libs/base/clock.h"
#include "libs/http/curl_client.h"
#include "libs/http/loopback_proxy.h"
#include "libs/http/loopback_server.h"
#include "libs/http/loopback_tls.h"
#include "libs/http/recorder_for_test.h"
#include "libs/http/test_authority.h"

#include "absl/strings/str_cat.h"

namespace penstock::http {
namespace {

using Kind = HttpOutcome::Kind;
using testing::AllOf;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::Not;
using testing::StartsWith;

class CurlProxyTest : public testing::Test {
 protected:
  std::shared_ptr<Recorder> Get(const std::string& url, const std::string& proxy) {
    auto recorder = std::make_shared<Recorder>();
    client_.Start({.url = url,
                   .headers = {"Authorization: Bearer sk-1"},
                   .transport = std::make_shared<HttpTransport>(
                       HttpTransport{.ca_file = authority_.ca_file(), .proxy = proxy})},
                  recorder);
    return recorder;
  }

  TestAuthority authority_;
  std::string seen_;
  LoopbackServer backend_{[this](LoopbackExchange& exchange) -> Awaitable<void> {
    std::ostringstream text;
    text << exchange.request;
    seen_ = text.str();
    co_await exchange.Respond(200, "", "hello");
  }};
  // Whom nobody but the proxy can find.
  LoopbackTls provider_{
      {.certificate = authority_.Issue("DNS:provider.test"), .backend_port = backend_.port()}};
  CurlClient client_{{}, SystemClock()};
};

TEST_F(CurlProxyTest, ATunnelLeadsToTheServerAndHidesTheRequest) {
  LoopbackProxy proxy(provider_.port());

  auto recorder = Get("https://provider.test/v1", proxy.Url("http"));

  EXPECT_EQ(recorder->Wait().kind, Kind::kOk) << recorder->Wait().message;
  EXPECT_EQ(recorder->status(), 200);
  EXPECT_EQ(recorder->Header("Via"), "absent");
  EXPECT_THAT(proxy.requests(),
              ElementsAre(AllOf(StartsWith("CONNECT provider.test:443 HTTP/1.1\r\n"),
                                Not(HasSubstr("sk-1")))));
  EXPECT_THAT(seen_, HasSubstr("Authorization: Bearer sk-1"));
}

TEST_F(CurlProxyTest, APlainServerIsReachedByATunnelToo) {
  LoopbackProxy proxy(backend_.port());

  auto recorder = Get("http://provider.test:8080/v1", proxy.Url("http"));

  EXPECT_EQ(recorder->Wait().kind, Kind::kOk) << recorder->Wait().message;
  EXPECT_THAT(proxy.requests(), ElementsAre(StartsWith("CONNECT provider.test:8080 ")));
  EXPECT_THAT(seen_, StartsWith("GET /v1 HTTP/1.1\r\n"));
}

TEST_F(CurlProxyTest, SocksResolvesTheNameAtTheProxy) {
  LoopbackProxy proxy(provider_.port());

  auto recorder = Get("https://provider.test/v1", proxy.Url("socks5h", "user:word"));

  EXPECT_EQ(recorder->Wait().kind, Kind::kOk) << recorder->Wait().message;
  EXPECT_THAT(proxy.requests(), ElementsAre("SOCKS provider.test:443 user:word"));
}

TEST_F(CurlProxyTest, ItsCredentialsAreForTheProxyAlone) {
  LoopbackProxy proxy(provider_.port());

  auto recorder = Get("https://provider.test/v1", proxy.Url("http", "user:word"));

  EXPECT_EQ(recorder->Wait().kind, Kind::kOk) << recorder->Wait().message;
  EXPECT_THAT(proxy.requests(), ElementsAre(HasSubstr("Proxy-Authorization: Basic dXNlcjp3b3Jk")));
  EXPECT_THAT(seen_, Not(HasSubstr("Proxy-Authorization")));
}

TEST_F(CurlProxyTest, WhatTheProxyRefusesIsNotSentAndNotAnAnswer) {
  LoopbackProxy proxy(provider_.port(), "407 Proxy Authentication Required");

  auto recorder = Get("https://provider.test/v1", proxy.Url("http", "user:word"));
  const HttpOutcome outcome = recorder->Wait();

  EXPECT_EQ(outcome.kind, Kind::kConnectFailed);
  EXPECT_TRUE(outcome.not_sent);
  EXPECT_THAT(outcome.message, AllOf(HasSubstr("407"), Not(HasSubstr("word"))));
  EXPECT_EQ(recorder->status(), 0);
  EXPECT_THAT(recorder->body(), IsEmpty());
}

TEST_F(CurlProxyTest, AProxyThatIsNotThereIsNotSent) {
  const HttpOutcome outcome =
      Get("https://provider.test/v1", absl::StrCat("http://user:word@127.0.0.1:", UnusedPort()))
          ->Wait();

  EXPECT_EQ(outcome.kind, Kind::kConnectFailed);
  EXPECT_TRUE(outcome.not_sent);
  EXPECT_THAT(outcome.message, Not(HasSubstr("word")));
}

TEST_F(CurlProxyTest, NoMessageQuotesItsCredentials) {
  // libcurl's own words for it hold the whole URL.
  const HttpOutcome outcome =
      Get("https://provider.test/v1", "gopher://user:word@127.0.0.1:1")->Wait();

  EXPECT_NE(outcome.kind, Kind::kOk);
  EXPECT_THAT(outcome.message, AllOf(HasSubstr("***@127.0.0.1"), Not(HasSubstr("word"))));
}

TEST_F(CurlProxyTest, TheEnvironmentHasNoSay) {
  LoopbackProxy proxy(provider_.port());
  setenv("no_proxy", "*", 1);
  setenv("NO_PROXY", "*", 1);
  const std::string other = absl::StrCat("http://127.0.0.1:", UnusedPort());
  for (const char* name : {"http_proxy", "https_proxy", "HTTPS_PROXY", "all_proxy", "ALL_PROXY"}) {
    setenv(name, other.c_str(), 1);
  }

  const HttpOutcome through = Get("https://provider.test/v1", proxy.Url("http"))->Wait();
  unsetenv("no_proxy");
  unsetenv("NO_PROXY");
  const HttpOutcome direct = Get(backend_.Url("/v1"), "")->Wait();
  for (const char* name : {"http_proxy", "https_proxy", "HTTPS_PROXY", "all_proxy", "ALL_PROXY"}) {
    unsetenv(name);
  }

  EXPECT_EQ(through.kind, Kind::kOk) << through.message;
  EXPECT_EQ(direct.kind, Kind::kOk) << direct.message;
}

}  // namespace
}  // namespace penstock::http
