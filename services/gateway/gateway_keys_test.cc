// Tokens of an issuer that publishes its keys, through the real gateway, with the key server on a
// real socket: it starts late, rotates, breaks and lies.
#include <atomic>
#include <future>
#include <thread>
#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "libs/base/clock.h"
#include "libs/base/refusal.h"
#include "services/gateway/gateway_keys_fixture.h"

#include "absl/strings/str_cat.h"

namespace penstock::gateway {
namespace {

using identity::JwkSetOf;
using identity::JwtAlgorithm;
using identity::JwtSigner;
using identity::MakePublishedPair;
using identity::PublishedPair;
using Mode = FakeKeyServer::Mode;
using testing::HasSubstr;

TEST_F(GatewayKeysTest, CallsAreSentAwayUnjudgedUntilTheKeysHaveCome) {
  Start("min_refresh_interval: 20ms");
  server_.WaitForRequests(1);

  absl::Status refused = Call(TokenOf(a_.signer));
  EXPECT_EQ(refused.code(), absl::StatusCode::kUnavailable);
  EXPECT_EQ(ReasonOf(refused), "STORE_UNAVAILABLE");
  EXPECT_EQ(RetryAfterOf(refused), absl::Seconds(1));
  EXPECT_EQ(Metric("penstock_gateway_key_set_keys"), "0");
  EXPECT_EQ(Metric("penstock_gateway_key_set_fetched_timestamp_seconds"), "0");
  EXPECT_THAT(harness_->metrics(), HasSubstr("{reason=\"STORE_UNAVAILABLE\"} 1"));

  Serve({a_.jwk});
  EXPECT_EQ(AskUntilJudged(a_.signer), "OK");
  EXPECT_EQ(harness_->peers().user, "ann");
  EXPECT_EQ(Fetches("ok"), "1");
  EXPECT_NE(Fetches("connection"), "0");
  EXPECT_EQ(Metric("penstock_gateway_key_set_keys"), "1");
  EXPECT_NE(Metric("penstock_gateway_key_set_fetched_timestamp_seconds"), "0");
}

TEST_F(GatewayKeysTest, OtherIssuersAreServedMeanwhile) {
  server_.Set(Mode::kSlow);
  Start("timeout: 30s");
  server_.WaitForRequests(1);

  EXPECT_EQ(Ask(GatewayHarness::TokenOf("ann")), "OK");
}

TEST_F(GatewayKeysTest, ACallWithANewKeyWaitsForIt) {
  Serve({a_.jwk});
  Start("refresh_interval: 1h, min_refresh_interval: 100ms");
  ASSERT_EQ(AskUntilJudged(a_.signer), "OK");
  Serve({a_.jwk, b_.jwk});

  std::vector<std::future<std::string>> calls;
  for (int i = 0; i < 20; ++i) {
    calls.push_back(std::async(std::launch::async, [this] { return Ask(b_.signer); }));
  }

  for (auto& call : calls) EXPECT_EQ(call.get(), "OK");
  EXPECT_EQ(Fetches("ok"), "2");
  EXPECT_EQ(server_.requests(), 2);
  EXPECT_EQ(Metric("penstock_gateway_key_waiting_calls"), "0");
}

TEST_F(GatewayKeysTest, AnUnknownKeyIsRefusedOnceTheIssuerWasAsked) {
  Serve({a_.jwk});
  Start("refresh_interval: 1h, min_refresh_interval: 50ms");
  ASSERT_EQ(AskUntilJudged(a_.signer), "OK");

  const absl::Status refused = Call(TokenOf(b_.signer));

  EXPECT_EQ(refused.code(), absl::StatusCode::kUnauthenticated);
  EXPECT_EQ(ReasonOf(refused), "TOKEN_KEY_UNKNOWN");
  EXPECT_EQ(MetadataOf(refused, "kid"), "b");
  EXPECT_EQ(server_.requests(), 2);
}

TEST_F(GatewayKeysTest, MadeUpKeysCostOneFetchInTheInterval) {
  Serve({a_.jwk});
  Start("refresh_interval: 1h, min_refresh_interval: 100ms");
  ASSERT_EQ(AskUntilJudged(a_.signer), "OK");
  const absl::Duration begun = SystemClock().Monotonic();

  std::vector<std::thread> callers;
  for (int caller = 0; caller < 4; ++caller) {
    callers.emplace_back([this, caller] {
      for (int i = 0; i < 15; ++i) {
        const std::string header =
            absl::StrCat(R"({"alg":"ES256","kid":"made up )", caller, "-", i, "\"}");
        const std::string payload = absl::StrCat(R"({"iss":")", kIssuer, R"("})");
        EXPECT_EQ(Ask("Bearer " + b_.signer.SignParts(header, payload)), "TOKEN_KEY_UNKNOWN");
        EXPECT_EQ(Ask(a_.signer), "OK");
      }
    });
  }
  for (std::thread& caller : callers) caller.join();

  const absl::Duration taken = SystemClock().Monotonic() - begun;
  EXPECT_LE(server_.requests(), 2 + taken / absl::Milliseconds(100));
}

// Whatever the server does, the last good keys hold, and nobody gets in with what it says.
TEST_F(GatewayKeysTest, AServerThatIsDownSlowOrLyingChangesNothing) {
  FakeKeyServer evil;
  const PublishedPair forged = MakePublishedPair(JwtAlgorithm::kEs256, "evil");
  evil.Set(Mode::kServe, JwkSetOf({forged.jwk}));
  server_.SetLocation(evil.url());
  const std::string secret(32, 's');
  const JwtSigner hs = JwtSigner::Create(JwtAlgorithm::kHs256, secret, "evil").value();
  const std::string good = JwkSetOf({a_.jwk});
  const std::string theirs = JwkSetOf({forged.jwk});
  server_.Set(Mode::kServe, good);
  Start("refresh_interval: 20ms, min_refresh_interval: 20ms, timeout: 100ms, max_bytes: 64KiB");
  ASSERT_EQ(AskUntilJudged(a_.signer), "OK");

  const std::vector<std::pair<Mode, std::string>> lies = {
      {Mode::kDown, ""},
      {Mode::kError, theirs},
      {Mode::kRedirect, theirs},
      {Mode::kSlow, ""},
      {Mode::kBroken, theirs},
      {Mode::kHuge, theirs},
      {Mode::kServe, ""},
      {Mode::kServe, "<html>log in first</html>"},
      {Mode::kServe, theirs.substr(0, theirs.size() - 1)},
      {Mode::kServe, R"({"keys":[]})"},
      {Mode::kServe, R"({"keys":[{"kty":"oct","kid":"evil","k":"c3Nzc3Nzc3Nzc3Nzc3M"}]})"},
      {Mode::kServe, JwkSetOf({forged.jwk, forged.jwk})},
      {Mode::kServe, absl::StrCat(R"({"keys":[],)", theirs.substr(1))}};
  for (const auto& [mode, document] : lies) {
    server_.Set(mode, document);
    const int before = server_.requests();
    do {
      EXPECT_EQ(Ask(a_.signer), "OK") << static_cast<int>(mode) << document;
      EXPECT_NE(Ask(forged.signer), "OK") << static_cast<int>(mode) << document;
      EXPECT_NE(Ask(hs), "OK") << static_cast<int>(mode) << document;
    } while (server_.requests() < before + 3);
  }
  EXPECT_EQ(evil.requests(), 0);
  for (const char* outcome :
       {"ok", "connection", "status", "timeout", "too_large", "bad_document"}) {
    EXPECT_NE(Fetches(outcome), "0") << outcome;
  }
}

// Keys are exchanged as carelessly as can be: published and used in the same moment.
TEST_F(GatewayKeysTest, RotationUnderLoadFailsNoCall) {
  constexpr int kRotations = 10;
  std::vector<PublishedPair> pairs;
  for (int i = 0; i <= kRotations; ++i) {
    pairs.push_back(MakePublishedPair(JwtAlgorithm::kEs256, absl::StrCat("key", i)));
  }
  Serve({pairs[0].jwk});
  Start("refresh_interval: 300ms, min_refresh_interval: 30ms");
  ASSERT_EQ(AskUntilJudged(pairs[0].signer), "OK");

  std::atomic<int> current = 0;
  std::atomic<bool> done = false;
  std::atomic<int> calls = 0;
  struct Caller {
    std::thread thread;
    std::atomic<int> uses = 0;  // of the current key, fully
    std::vector<std::string> wrong;
  };
  std::vector<Caller> callers(4);
  for (Caller& caller : callers) {
    caller.thread = std::thread([&] {
      while (!done) {
        const int key = current;
        const std::string answer = Ask(pairs[key].signer);
        if (answer != "OK") caller.wrong.push_back(answer);
        // Somebody else's signature in the name of the same key.
        const auto& other = pairs[(key + 1) % pairs.size()].signer;
        const std::string header = absl::StrCat(R"({"alg":"ES256","kid":"key)", key, "\"}");
        const std::string payload = absl::StrCat(R"({"iss":")", kIssuer, R"("})");
        const std::string forged = Ask("Bearer " + other.SignParts(header, payload));
        if (forged != "TOKEN_SIGNATURE") caller.wrong.push_back("forged: " + forged);
        ++calls;
        if (key == current) ++caller.uses;
      }
    });
  }
  for (int next = 1; next <= kRotations; ++next) {
    Serve({pairs[next - 1].jwk, pairs[next].jwk});
    current = next;
    for (Caller& caller : callers) caller.uses = 0;
    for (Caller& caller : callers) {
      while (caller.uses < 5) std::this_thread::yield();
    }
    // Nobody uses the old one any more.
    Serve({pairs[next].jwk});
  }
  done = true;
  for (Caller& caller : callers) caller.thread.join();

  for (const Caller& caller : callers) EXPECT_THAT(caller.wrong, testing::IsEmpty());
  EXPECT_GE(calls, 4 * 5 * kRotations);
  EXPECT_EQ(AskUntilJudged(pairs[0].signer), "TOKEN_KEY_UNKNOWN");
}

TEST_F(GatewayKeysTest, KeysDieWhenTheyAreTooOld) {
  Serve({a_.jwk});
  Start("refresh_interval: 500ms, min_refresh_interval: 50ms, max_age: 1s");
  ASSERT_EQ(AskUntilJudged(a_.signer), "OK");
  const absl::Duration good = SystemClock().Monotonic();
  server_.Set(Mode::kDown);

  while (Ask(a_.signer) == "OK") {
    ASSERT_LT(SystemClock().Monotonic() - good, absl::Seconds(20));
  }

  EXPECT_EQ(Ask(a_.signer), "STORE_UNAVAILABLE");
  EXPECT_EQ(Metric("penstock_gateway_key_set_keys"), "0");
  Serve({a_.jwk});
  EXPECT_EQ(AskUntilJudged(a_.signer), "OK");
}

TEST_F(GatewayKeysTest, CallsThatWaitAreAnsweredWhenTheGatewayStops) {
  server_.Set(Mode::kSlow);
  Start("timeout: 30s");
  server_.WaitForRequests(1);
  auto call = std::async(std::launch::async, [this] { return Call(TokenOf(a_.signer)); });
  while (Metric("penstock_gateway_key_waiting_calls") != "1") std::this_thread::yield();
  const absl::Duration begun = SystemClock().Monotonic();

  harness_.reset();

  EXPECT_EQ(call.get().code(), absl::StatusCode::kUnavailable);
  EXPECT_LT(SystemClock().Monotonic() - begun, absl::Seconds(10));
}

TEST_F(GatewayKeysTest, NoMoreCallsWaitThanMay) {
  server_.Set(Mode::kSlow);
  Start("timeout: 60s, max_waiting_calls: 2");
  server_.WaitForRequests(1);
  std::vector<std::future<absl::Status>> waiting;
  for (int i = 0; i < 2; ++i) {
    waiting.push_back(std::async(std::launch::async, [this] { return Call(TokenOf(a_.signer)); }));
  }
  while (Metric("penstock_gateway_key_waiting_calls") != "2") std::this_thread::yield();

  const absl::Status refused = Call(TokenOf(a_.signer));

  EXPECT_EQ(refused.code(), absl::StatusCode::kUnavailable);
  EXPECT_EQ(ReasonOf(refused), "STORE_UNAVAILABLE");
  EXPECT_EQ(Metric("penstock_gateway_key_waits_refused_total"), "1");
  harness_.reset();
  for (auto& call : waiting) EXPECT_FALSE(call.get().ok());
}

TEST_F(GatewayKeysTest, ACallerThatGoesWhileItWaitsTakesNothingWithIt) {
  server_.Set(Mode::kSlow);
  Start("timeout: 200ms, min_refresh_interval: 50ms");
  server_.WaitForRequests(1);

  EXPECT_FALSE(Call(TokenOf(a_.signer), absl::Milliseconds(50)).ok());

  Serve({a_.jwk});
  EXPECT_EQ(AskUntilJudged(a_.signer), "OK");
  EXPECT_EQ(Metric("penstock_gateway_key_waiting_calls"), "0");
}

TEST_F(GatewayKeysTest, KeysThatAreLeftOutAreCounted) {
  Serve({a_.jwk, R"({"kty":"oct","k":"AAAA"})", R"({"kty":"OKP"})", R"({"kty":"OKP"})"});
  Start("");
  ASSERT_EQ(AskUntilJudged(a_.signer), "OK");

  EXPECT_EQ(Metric("penstock_gateway_key_set_left_out", ",reason=\"symmetric\""), "1");
  EXPECT_EQ(Metric("penstock_gateway_key_set_left_out", ",reason=\"other_type\""), "2");
  EXPECT_EQ(Metric("penstock_gateway_key_set_left_out", ",reason=\"weak\""), "0");
}

}  // namespace
}  // namespace penstock::gateway
