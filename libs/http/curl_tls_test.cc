// Whom the client trusts.
#include <atomic>
#include <cctype>
#include <memory>
#include <ostream>
#include <string>
#include <utility>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "libs/base/clock.h"
#include "libs/http/curl_client.h"
#include "libs/http/loopback_server.h"
#include "libs/http/loopback_tls.h"
#include "libs/http/recorder_for_test.h"
#include "libs/http/test_authority.h"

namespace penstock::http {
namespace {

using Kind = HttpOutcome::Kind;
using testing::HasSubstr;

class CurlTlsTest : public testing::Test {
 protected:
  std::shared_ptr<Recorder> Get(const LoopbackTls& server, const std::string& ca_file) {
    auto recorder = std::make_shared<Recorder>();
    client_.Start({.url = server.Url("/"),
                   .transport = std::make_shared<HttpTransport>(HttpTransport{.ca_file = ca_file})},
                  recorder);
    return recorder;
  }
  LoopbackTlsOptions With(IssuedCertificate certificate) const {
    return {.certificate = std::move(certificate), .backend_port = backend_.port()};
  }

  TestAuthority authority_;
  std::atomic<int> requests_ = 0;
  LoopbackServer backend_{[this](LoopbackExchange& exchange) -> Awaitable<void> {
    ++requests_;
    co_await exchange.Respond(200, "", "hello");
  }};
  CurlClient client_{{}, SystemClock()};
};

TEST_F(CurlTlsTest, AServerThatTheCaFileVouchesForIsTrusted) {
  const LoopbackTls server(With(authority_.Issue("IP:127.0.0.1")));

  for (int i = 0; i < 3; ++i) {
    auto recorder = Get(server, authority_.ca_file());
    EXPECT_EQ(recorder->Wait().kind, Kind::kOk) << recorder->Wait().message;
    EXPECT_EQ(recorder->body(), "hello");
  }
}

struct Impostor {
  const char* name;
  const char* certificate_for;
  absl::Duration valid_for;
  int max_version;
  // Whether the client asks the authority that signed the server's certificate.
  bool right_authority;
  const char* message;
};

void PrintTo(const Impostor& impostor, std::ostream* out) { *out << impostor.name; }

class CurlTlsRefuses : public CurlTlsTest, public testing::WithParamInterface<Impostor> {};

TEST_P(CurlTlsRefuses, BeforeAnythingIsSent) {
  const Impostor& impostor = GetParam();
  const TestAuthority other;
  LoopbackTlsOptions options = With(authority_.Issue(impostor.certificate_for, impostor.valid_for));
  options.max_version = impostor.max_version;
  const LoopbackTls server(options);

  const HttpOutcome outcome =
      Get(server, (impostor.right_authority ? authority_ : other).ca_file())->Wait();

  EXPECT_EQ(outcome.kind, Kind::kTls);
  EXPECT_TRUE(outcome.not_sent);
  EXPECT_THAT(outcome.message, HasSubstr(impostor.message));
  EXPECT_EQ(requests_, 0);
}

INSTANTIATE_TEST_SUITE_P(
    All, CurlTlsRefuses,
    testing::Values(Impostor{"another authority", "IP:127.0.0.1", absl::Hours(1), TLS1_3_VERSION,
                             false, "error:"},
                    Impostor{"another name", "DNS:other.test", absl::Hours(1), TLS1_3_VERSION, true,
                             "no alternative certificate subject name matches"},
                    Impostor{"expired", "IP:127.0.0.1", -absl::Hours(1), TLS1_3_VERSION, true,
                             "certificate has expired"},
                    Impostor{"TLS 1.1", "IP:127.0.0.1", absl::Hours(1), TLS1_1_VERSION, true,
                             "version"}),
    [](const auto& info) {
      std::string name = info.param.name;
      for (char& c : name) c = std::isalnum(static_cast<unsigned char>(c)) ? c : '_';
      return name;
    });

TEST_F(CurlTlsTest, TheSystemsAuthoritiesAreAskedWithoutACaFile) {
  const LoopbackTls server(With(authority_.Issue("IP:127.0.0.1")));

  const HttpOutcome outcome = Get(server, "")->Wait();

  EXPECT_EQ(outcome.kind, Kind::kTls);
  EXPECT_TRUE(outcome.not_sent);
}

TEST_F(CurlTlsTest, WithoutItsCaFileNobodyIsTrusted) {
  const LoopbackTls server(With(authority_.Issue("IP:127.0.0.1")));

  const HttpOutcome outcome = Get(server, "/nowhere/ca.pem")->Wait();

  EXPECT_EQ(outcome.kind, Kind::kTls);
  EXPECT_TRUE(outcome.not_sent);
  EXPECT_EQ(requests_, 0);
}

}  // namespace
}  // namespace penstock::http
