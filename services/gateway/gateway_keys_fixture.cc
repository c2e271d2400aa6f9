#include "services/gateway/gateway_keys_fixture.h"

#include <grpcpp/client_context.h>

#include "libs/base/clock.h"
#include "libs/base/refusal.h"
#include "libs/rpc/channel.h"
#include "libs/rpc/status.h"
#include "penstock/gateway/v1/turns.grpc.pb.h"

#include "absl/strings/str_cat.h"

namespace penstock::gateway {

struct GatewayKeysTest::Client {
  std::unique_ptr<v1::Turns::Stub> turns;
};

std::string TokenOf(const identity::JwtSigner& signer) {
  identity::TokenContent content;
  content.issuer = kIssuer;
  content.audience = "penstock";
  content.subject = "ann";
  content.issued_at = SystemClock().Now() - absl::Seconds(10);
  content.expires = SystemClock().Now() + absl::Minutes(5);
  return absl::StrCat("Bearer ", signer.Sign(content));
}

GatewayKeysTest::GatewayKeysTest() = default;
GatewayKeysTest::~GatewayKeysTest() = default;

void GatewayKeysTest::Start(const std::string& settings, const std::string& url) {
  harness_ = std::make_unique<GatewayHarness>(
      "", absl::StrCat("    - issuer: ", kIssuer, "\n      tenants: [dev]\n      jwks: {url: '",
                       url.empty() ? server_.url() : url, "', ", settings, "}\n"));
  harness_->peers().live = {TurnOf(1, chat::v1::Turn::RUNNING)};
  client_ =
      std::make_unique<Client>(Client{v1::Turns::NewStub(rpc::OpenChannel(harness_->endpoint()))});
}

absl::Status GatewayKeysTest::Call(const std::string& authorization, absl::Duration patience) {
  grpc::ClientContext context;
  context.AddMetadata("authorization", authorization);
  context.set_deadline(std::chrono::system_clock::now() + absl::ToChronoMilliseconds(patience));
  v1::GetTurnRequest request;
  request.set_name(kFakeTurn);
  chat::v1::Turn turn;
  return rpc::FromGrpc(client_->turns->GetTurn(&context, request, &turn));
}

std::string GatewayKeysTest::Ask(const std::string& authorization) {
  const absl::Status status = Call(authorization);
  return status.ok() ? "OK" : ReasonOf(status);
}

std::string GatewayKeysTest::AskUntilJudged(const identity::JwtSigner& signer) {
  std::string answer = Ask(signer);
  while (answer == "STORE_UNAVAILABLE") answer = Ask(signer);
  return answer;
}

std::string GatewayKeysTest::Metric(const std::string& name, const std::string& more) {
  const std::string metrics = harness_->metrics();
  const std::string key = absl::StrCat(name, "{issuer=\"", kIssuer, "\"", more, "} ");
  const size_t at = metrics.find(key);
  if (at == std::string::npos) return "absent";
  return metrics.substr(at + key.size(), metrics.find('\n', at) - at - key.size());
}

std::string GatewayKeysTest::Fetches(const std::string& outcome) {
  return Metric("penstock_gateway_key_fetches_total", absl::StrCat(",outcome=\"", outcome, "\""));
}

}  // namespace penstock::gateway
