// An issuer that publishes its keys, before the real gateway; for tests.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include <gtest/gtest.h>

#include "libs/identity/jwk_text.h"
#include "libs/identity/jwt_signer.h"
#include "services/gateway/fake_key_server.h"
#include "services/gateway/gateway_harness.h"

#include "absl/status/status.h"

namespace penstock::gateway {

inline constexpr char kIssuer[] = "https://keys.test";

// "Bearer …" for ann.
std::string TokenOf(const identity::JwtSigner& signer);

class GatewayKeysTest : public testing::Test {
 protected:
  GatewayKeysTest();
  ~GatewayKeysTest() override;

  // `settings`: of jwks, beside its URL.
  void Start(const std::string& settings, const std::string& url = "");
  void Serve(const std::vector<std::string>& jwks) {
    server_.Set(FakeKeyServer::Mode::kServe, identity::JwkSetOf(jwks));
  }

  // GetTurn; its caller leaves after `patience`.
  absl::Status Call(const std::string& authorization, absl::Duration patience = absl::Seconds(30));
  // "OK" or the refusal's reason.
  std::string Ask(const std::string& authorization);
  std::string Ask(const identity::JwtSigner& signer) { return Ask(TokenOf(signer)); }
  // Repeats the call while it cannot be judged.
  std::string AskUntilJudged(const identity::JwtSigner& signer);

  // The value of a metric of the issuer, or "absent"; `more`: further labels.
  std::string Metric(const std::string& name, const std::string& more = "");
  std::string Fetches(const std::string& outcome);

  FakeKeyServer server_;
  const identity::PublishedPair a_ =
      identity::MakePublishedPair(identity::JwtAlgorithm::kEs256, "a");
  const identity::PublishedPair b_ =
      identity::MakePublishedPair(identity::JwtAlgorithm::kEs256, "b");
  std::unique_ptr<GatewayHarness> harness_;

 private:
  struct Client;

  std::unique_ptr<Client> client_;
};

}  // namespace penstock::gateway
