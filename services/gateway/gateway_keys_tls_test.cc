// The gateway fetches an issuer's keys over TLS: whom it believes, and what is said when it does
// not.
#include <memory>
#include <ostream>
#include <string>
#include <thread>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "libs/base/refusal.h"
#include "libs/http/loopback_tls.h"
#include "libs/http/test_authority.h"
#include "services/gateway/gateway_keys_fixture.h"

#include "absl/strings/str_cat.h"
#include "absl/strings/str_replace.h"

namespace penstock::gateway {
namespace {

using testing::AllOf;
using testing::HasSubstr;
using testing::Not;

class GatewayKeysTlsTest : public GatewayKeysTest {
 protected:
  // The key server behind TLS with this certificate, and a gateway that trusts `ca_file`.
  void StartWith(http::IssuedCertificate certificate, const std::string& ca_file) {
    Serve({a_.jwk});
    tls_ = std::make_unique<http::LoopbackTls>(http::LoopbackTlsOptions{
        .certificate = std::move(certificate), .backend_port = server_.port()});
    Start(absl::StrCat("min_refresh_interval: 20ms, ca_file: '", ca_file, "'"), tls_->Url("/jwks"));
  }

  const http::TestAuthority authority_;
  std::unique_ptr<http::LoopbackTls> tls_;
};

TEST_F(GatewayKeysTlsTest, KeysOfAServerThatTheCaFileVouchesForAreTaken) {
  StartWith(authority_.Issue("IP:127.0.0.1"), authority_.ca_file());

  EXPECT_EQ(AskUntilJudged(a_.signer), "OK");
  EXPECT_NE(Ask(b_.signer), "OK");

  EXPECT_GE(tls_->connections(), 1);
  EXPECT_NE(Fetches("ok"), "0");
  EXPECT_EQ(Fetches("tls"), "0");
  EXPECT_EQ(Metric("penstock_gateway_key_set_keys"), "1");
}

struct Impostor {
  const char* name;
  const char* certificate_for;
  absl::Duration valid_for;
  // Whether the gateway trusts the authority that signed the server's certificate.
  bool right_authority;
  // What the log gives as the reason.
  const char* why;
};

void PrintTo(const Impostor& impostor, std::ostream* out) { *out << impostor.name; }

class GatewayKeysTlsRefuses : public GatewayKeysTlsTest,
                              public testing::WithParamInterface<Impostor> {};

TEST_P(GatewayKeysTlsRefuses, AndServesNobodyWithWhatItSays) {
  const Impostor& impostor = GetParam();
  const http::TestAuthority other;
  const auto& trusted = impostor.right_authority ? authority_ : other;
  testing::internal::CaptureStderr();
  StartWith(authority_.Issue(impostor.certificate_for, impostor.valid_for), trusted.ca_file());

  while (Fetches("tls") == "0") std::this_thread::yield();
  const absl::Status refused = Call(TokenOf(a_.signer));
  const std::string others = Ask(GatewayHarness::TokenOf("ann"));
  const std::string keys = Metric("penstock_gateway_key_set_keys");
  const std::string unreached = Fetches("connection");
  harness_.reset();
  const std::string log = testing::internal::GetCapturedStderr();

  EXPECT_EQ(refused.code(), absl::StatusCode::kUnavailable);
  EXPECT_EQ(ReasonOf(refused), "STORE_UNAVAILABLE");
  EXPECT_EQ(others, "OK") << "another issuer";
  EXPECT_EQ(keys, "0");
  EXPECT_EQ(unreached, "0") << "counted as what it is not";
  EXPECT_EQ(server_.requests(), 0) << "asked all the same";
  EXPECT_THAT(log,
              AllOf(HasSubstr("cannot fetch the keys of an issuer"), HasSubstr(kIssuer),
                    HasSubstr(tls_->Url("/jwks")), HasSubstr("TLS: "), HasSubstr(impostor.why)));
  const size_t first = log.find("cannot fetch");
  EXPECT_EQ(log.find("cannot fetch", first + 1), std::string::npos) << "told again: " << log;
}

INSTANTIATE_TEST_SUITE_P(
    All, GatewayKeysTlsRefuses,
    testing::Values(
        Impostor{"another authority", "IP:127.0.0.1", absl::Hours(1), false, "certificate"},
        Impostor{"another name", "DNS:keys.test", absl::Hours(1), true,
                 "no alternative certificate subject name matches"},
        Impostor{"expired", "IP:127.0.0.1", -absl::Hours(1), true, "certificate has expired"}),
    [](const auto& info) { return absl::StrReplaceAll(info.param.name, {{" ", "_"}}); });

TEST_F(GatewayKeysTlsTest, WithoutACaFileOnlyTheSystemsAuthoritiesCount) {
  StartWith(authority_.Issue("IP:127.0.0.1"), "");

  while (Fetches("tls") == "0") std::this_thread::yield();

  EXPECT_EQ(Ask(a_.signer), "STORE_UNAVAILABLE");
  EXPECT_EQ(server_.requests(), 0);
}

TEST_F(GatewayKeysTlsTest, AServerThatSpeaksNoTlsIsNotBelieved) {
  Serve({a_.jwk});
  std::string url = server_.url();
  url.replace(0, 4, "https");
  Start("min_refresh_interval: 20ms", url);

  while (Fetches("tls") == "0") std::this_thread::yield();

  EXPECT_EQ(Ask(a_.signer), "STORE_UNAVAILABLE");
  EXPECT_EQ(server_.requests(), 0);
}

}  // namespace
}  // namespace penstock::gateway
