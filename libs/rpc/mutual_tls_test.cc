// Who gets through to whom over mutual TLS, and that certificates are exchanged while calls run.

#include <atomic>
#include <filesystem>
#include <thread>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "libs/base/refusal.h"
#include "libs/rpc/channel.h"
#include "libs/rpc/server_for_test.h"
#include "libs/rpc/test_authority.h"
#include "libs/rpc/tls_credentials.h"
#include "libs/rpc/transport.h"
#include "tests/harness/eventually.h"

#include "absl/strings/str_cat.h"

namespace penstock::rpc {
namespace {

using absl::StatusCode;
using harness::Eventually;
using testing::AllOf;
using testing::HasSubstr;

constexpr absl::Duration kPatience = absl::Seconds(30);

Certificates Unchecked(const IssuedPair& pair, const std::string& authorities) {
  Certificates certificates;
  certificates.chain = pair.certificate;
  certificates.key = pair.key;
  certificates.authorities = authorities;
  return certificates;
}

std::shared_ptr<grpc::Channel> Connect(const std::string& endpoint,
                                       const Certificates& certificates,
                                       const std::string& expected = "session-state") {
  return OpenChannel(endpoint,
                     ClientTls(ProviderOf(certificates), expected, !certificates.chain.empty()));
}

// session-state, which takes calls of "gateway" and "*.dispatcher".
class MutualTlsTest : public testing::Test {
 protected:
  ListenerOptions Secured(const Certificates& own) const {
    ListenerOptions options;
    options.credentials = ServerTls(ProviderOf(own));
    return options;
  }
  Certificates Issue(const Subject& subject) const {
    return Unchecked(authority_.Issue(subject), authority_.certificate());
  }

  obs::Metrics metrics_;
  const TestAuthority authority_;
  const TestAuthority other_authority_{"another authority"};
  const PeerPolicy callers_{
      "session-state", "tls.session_state_callers", {"gateway", "*.dispatcher"}, metrics_};
  ServerForTest server_{Secured(Issue({.dns_names = {"session-state"}})), &callers_};
};

TEST_F(MutualTlsTest, ServesACallerThatItKnowsByADnsName) {
  for (const char* name : {"gateway", "pod-1.dispatcher"}) {
    const auto status = CallOnce(Connect(server_.endpoint(), Issue({.dns_names = {name}})));
    EXPECT_TRUE(status.ok()) << name << ": " << status;
  }
}

TEST_F(MutualTlsTest, ServesACallerThatItKnowsByAUri) {
  const std::string uri = "spiffe://mesh/ns/penstock/sa/gateway";
  const PeerPolicy callers("session-state", "tls.session_state_callers", {uri}, metrics_);
  const ServerForTest server(Secured(Issue({.uris = {"spiffe://mesh/session"}})), &callers);

  const auto status =
      CallOnce(Connect(server.endpoint(), Issue({.uris = {uri}}), "spiffe://mesh/session"));

  EXPECT_TRUE(status.ok()) << status;
}

TEST_F(MutualTlsTest, ServesOverAUnixSocket) {
  std::string pattern = testing::TempDir() + "/tls-XXXXXX";
  const std::string folder = mkdtemp(pattern.data());
  {
    const ServerForTest server(Secured(Issue({.dns_names = {"session-state"}})), &callers_,
                               absl::StrCat("unix:", folder, "/socket"));

    const auto status = CallOnce(Connect(server.endpoint(), Issue({.dns_names = {"gateway"}})));

    EXPECT_TRUE(status.ok()) << status;
  }
  std::filesystem::remove_all(folder);
}

TEST_F(MutualTlsTest, RefusesAGoodCertificateOfAnotherName) {
  const auto status = CallOnce(
      Connect(server_.endpoint(), Issue({.dns_names = {"provider-adapter", "x.gateway"}})));

  EXPECT_EQ(status.code(), StatusCode::kPermissionDenied);
  EXPECT_EQ(ReasonOf(status), "PEER_NOT_ALLOWED");
  EXPECT_EQ(MetadataOf(status, "service"), "session-state");
  EXPECT_THAT(std::string(status.message()),
              AllOf(HasSubstr("provider-adapter, x.gateway"), HasSubstr("gateway, *.dispatcher"),
                    HasSubstr("tls.session_state_callers")));
  EXPECT_EQ(MetricForTest(metrics_, "penstock_tls_peers_refused_total{service=\"session-state\"}"),
            1);
}

TEST_F(MutualTlsTest, RefusesACertificateWithoutNames) {
  const auto status = CallOnce(Connect(server_.endpoint(), Issue({})));

  EXPECT_EQ(status.code(), StatusCode::kPermissionDenied);
  EXPECT_EQ(ReasonOf(status), "PEER_NOT_ALLOWED");
}

TEST_F(MutualTlsTest, TakesEveryCertificateWhereNoCallersAreNamed) {
  const PeerPolicy anyone("gateway", "tls.gateway_callers", {}, metrics_);
  const ServerForTest server(Secured(Issue({.dns_names = {"gateway"}})), &anyone);

  const auto status =
      CallOnce(Connect(server.endpoint(), Issue({.dns_names = {"backend.example"}}), "gateway"));

  EXPECT_TRUE(status.ok()) << status;
}

TEST_F(MutualTlsTest, DoesNotTalkToAServiceOfAnotherName) {
  const auto status =
      CallOnce(Connect(server_.endpoint(), Issue({.dns_names = {"gateway"}}), "memory-recall"));

  EXPECT_EQ(status.code(), StatusCode::kUnavailable);
  EXPECT_THAT(std::string(status.message()),
              HasSubstr("found session-state, expected memory-recall"));
}

TEST_F(MutualTlsTest, DoesNotTalkToAServiceThatNobodyVouchesFor) {
  const auto status =
      CallOnce(Connect(server_.endpoint(), Unchecked(authority_.Issue({.dns_names = {"gateway"}}),
                                                     other_authority_.certificate())));

  EXPECT_EQ(status.code(), StatusCode::kUnavailable);
  EXPECT_THAT(std::string(status.message()), HasSubstr("certificate verify failed"));
}

TEST_F(MutualTlsTest, DoesNotTalkToAServiceWhoseCertificateHasExpired) {
  const ServerForTest server(Secured(
      Issue({.dns_names = {"session-state"}, .ends = absl::FromUnixSeconds(1'600'000'000)})));

  const auto status = CallOnce(Connect(server.endpoint(), Issue({.dns_names = {"gateway"}})));

  EXPECT_EQ(status.code(), StatusCode::kUnavailable);
  EXPECT_THAT(std::string(status.message()), HasSubstr("certificate verify failed"));
}

TEST_F(MutualTlsTest, EndsTheHandshakeOfAClientThatNobodyVouchesFor) {
  const IssuedPair foreign = other_authority_.Issue({.dns_names = {"gateway"}});
  const IssuedPair expired =
      authority_.Issue({.dns_names = {"gateway"}, .ends = absl::FromUnixSeconds(1'600'000'000)});
  for (const IssuedPair& pair : {foreign, expired, IssuedPair{}}) {
    const auto status =
        CallOnce(Connect(server_.endpoint(), Unchecked(pair, authority_.certificate())));

    EXPECT_EQ(status.code(), StatusCode::kUnavailable) << status;
    EXPECT_FALSE(status.message().empty());
  }
}

TEST_F(MutualTlsTest, IsNotReachedInPlaintextAndReachesNoPlaintext) {
  EXPECT_EQ(CallOnce(OpenChannel(server_.endpoint())).code(), StatusCode::kUnavailable);

  const ServerForTest plain;
  const auto status = CallOnce(Connect(plain.endpoint(), Issue({.dns_names = {"gateway"}})));
  EXPECT_EQ(status.code(), StatusCode::kUnavailable);
}

// Two processes as their configuration makes them, with files of their own.
class ReloadTest : public testing::Test {
 protected:
  ReloadTest() {
    std::string pattern = testing::TempDir() + "/reload-XXXXXX";
    folder_ = mkdtemp(pattern.data());
    ReplaceFile(folder_, "ca.crt", old_.certificate());
    IssueBoth(old_);
    callee_ = Make(ServiceId::kSessionState, "callee", callee_metrics_);
    caller_ = Make(ServiceId::kGateway, "caller", caller_metrics_);
    server_ = std::make_unique<ServerForTest>(callee_->listener(), callee_->callers());
  }
  ~ReloadTest() override {
    server_.reset();
    std::filesystem::remove_all(folder_);
  }

  void IssueBoth(const TestAuthority& authority) {
    authority.Issue({.dns_names = {"session-state"}}).WriteTo(folder_, "callee");
    authority.Issue({.dns_names = {"gateway"}}).WriteTo(folder_, "caller");
  }

  std::unique_ptr<Transport> Make(ServiceId service, const std::string& name,
                                  obs::Metrics& metrics) {
    config::v1::Config config;
    config::v1::Tls& tls = *config.mutable_tls();
    tls.set_cert_file(absl::StrCat(folder_, "/", name, ".crt"));
    tls.set_key_file(absl::StrCat(folder_, "/", name, ".key"));
    tls.set_ca_file(folder_ + "/ca.crt");
    tls.mutable_reload_interval()->set_nanos(10'000'000);
    return *Transport::Create(service, "127.0.0.1:0", config, SystemClock(), metrics);
  }

  // On a connection of its own, so with a handshake.
  absl::Status CallAnew() {
    return CallOnce(caller_->OpenChannel(server_->endpoint(), ServiceId::kSessionState));
  }

  static bool AwaitReloads(const obs::Metrics& metrics, double more_than) {
    return Eventually(kPatience, [&] {
      return MetricForTest(metrics, "penstock_tls_reloads_total") > more_than;
    });
  }

  const TestAuthority old_{"old authority"};
  const TestAuthority new_{"new authority"};
  std::string folder_;
  obs::Metrics callee_metrics_;
  obs::Metrics caller_metrics_;
  std::unique_ptr<Transport> callee_;
  std::unique_ptr<Transport> caller_;
  std::unique_ptr<ServerForTest> server_;
};

TEST_F(ReloadTest, ExchangesLeavesAndAuthoritiesOfBothSidesWithoutAFailedCall) {
  std::atomic<bool> stop = false;
  std::atomic<int> calls = 0;
  std::atomic<int> failed = 0;
  const auto count = [&](const absl::Status& status) {
    ++calls;
    if (!status.ok() && ++failed == 1) ADD_FAILURE() << status;
  };
  std::thread standing([&] {
    const auto channel = caller_->OpenChannel(server_->endpoint(), ServiceId::kSessionState);
    while (!stop) count(CallOnce(channel));
  });
  std::thread anew([&] {
    while (!stop) count(CallAnew());
  });
  const auto exchange = [&](const std::string& authorities, const TestAuthority& issuer) {
    const double callee = MetricForTest(callee_metrics_, "penstock_tls_reloads_total");
    const double caller = MetricForTest(caller_metrics_, "penstock_tls_reloads_total");
    ReplaceFile(folder_, "ca.crt", authorities);
    IssueBoth(issuer);
    EXPECT_TRUE(AwaitReloads(callee_metrics_, callee) && AwaitReloads(caller_metrics_, caller));
    // In force at most a second after.
    absl::SleepFor(absl::Milliseconds(1'500));
  };

  exchange(old_.certificate(), old_);
  exchange(old_.certificate() + new_.certificate(), old_);
  exchange(old_.certificate() + new_.certificate(), new_);
  exchange(new_.certificate(), new_);
  stop = true;
  standing.join();
  anew.join();

  EXPECT_EQ(failed, 0);
  EXPECT_GT(calls, 100);
  EXPECT_TRUE(CallAnew().ok());
  const Certificates of_old = Unchecked(old_.Issue({.dns_names = {"gateway"}}), new_.certificate());
  EXPECT_EQ(CallOnce(Connect(server_->endpoint(), of_old)).code(), StatusCode::kUnavailable);
}

TEST_F(ReloadTest, KeepsThePairWhenTheNewOneIsBrokenAndSaysSo) {
  const double ends = MetricForTest(callee_metrics_, "penstock_tls_certificate_expiry_seconds");
  EXPECT_EQ(ends, 2'500'000'000);

  ReplaceFile(folder_, "callee.key", old_.Issue({}).key);

  EXPECT_TRUE(Eventually(kPatience, [&] {
    return MetricForTest(callee_metrics_, "penstock_tls_reload_failures_total") > 0;
  }));
  absl::SleepFor(absl::Milliseconds(1'500));
  const auto status = CallAnew();
  EXPECT_TRUE(status.ok()) << status;
  EXPECT_EQ(MetricForTest(callee_metrics_, "penstock_tls_certificate_expiry_seconds"), ends);
}

TEST_F(ReloadTest, DoesNotStartOnABrokenPair) {
  ReplaceFile(folder_, "callee.key", old_.Issue({}).key);
  config::v1::Config config;
  config.mutable_tls()->set_cert_file(folder_ + "/callee.crt");
  config.mutable_tls()->set_key_file(folder_ + "/callee.key");
  config.mutable_tls()->set_ca_file(folder_ + "/ca.crt");

  const auto transport = Transport::Create(ServiceId::kSessionState, "127.0.0.1:0", config,
                                           SystemClock(), callee_metrics_);

  EXPECT_EQ(transport.status().code(), StatusCode::kFailedPrecondition);
  EXPECT_THAT(std::string(transport.status().message()),
              AllOf(HasSubstr("tls.key_file"), HasSubstr("another certificate")));
}

}  // namespace
}  // namespace penstock::rpc
