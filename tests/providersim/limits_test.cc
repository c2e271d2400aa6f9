// Rate limits and outages over real sockets; the limits' clock stands unless a test moves it.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/providersim/simulator_fixture.h"

namespace penstock::providersim {
namespace {

using testing::AllOf;
using testing::HasSubstr;
using testing::Not;

// 4 tokens of input, and a bound of 96.
const std::string kHundred = Body("hi", R"(,"stream":true,"max_completion_tokens":96)");

std::string HeaderOf(const RawClient& client, absl::string_view name) {
  const std::string start = absl::StrCat("\r\n", name, ": ");
  const size_t at = client.head().find(start);
  if (at == std::string::npos) return "none";
  const size_t value = at + start.size();
  return client.head().substr(value, client.head().find("\r\n", value) - value);
}

class LimitsTest : public ProvidersimTest {
 protected:
  // Status of the answer; head and body stay in `client` and body_.
  std::string Ask(RawClient& client, absl::string_view body, absl::string_view key = "") {
    client.SendChat(body, key.empty() ? "" : absl::StrCat("Authorization: Bearer ", key, "\r\n"));
    body_ = client.ReadAnswer();
    return client.head().substr(9, 3);
  }

  std::string body_;
};

TEST_F(LimitsTest, HeadersSayWhatIsLeftAndWhenItIsWhole) {
  Start({.limits = {.requests = 60, .tokens = 1000}});
  RawClient client = Client();

  EXPECT_EQ(Ask(client, kHundred), "200");

  EXPECT_EQ(HeaderOf(client, "x-ratelimit-limit-requests"), "60");
  EXPECT_EQ(HeaderOf(client, "x-ratelimit-limit-tokens"), "1000");
  EXPECT_EQ(HeaderOf(client, "x-ratelimit-remaining-requests"), "59");
  EXPECT_EQ(HeaderOf(client, "x-ratelimit-remaining-tokens"), "900");
  EXPECT_EQ(HeaderOf(client, "x-ratelimit-reset-requests"), "1s");
  EXPECT_EQ(HeaderOf(client, "x-ratelimit-reset-tokens"), "6s");
  EXPECT_EQ(HeaderOf(client, "x-ratelimit-limit-input-tokens"), "none");
}

TEST_F(LimitsTest, HeadersOfInputAndOutputStandBesideThem) {
  Start({.limits = {.input_tokens = 100, .output_tokens = 500}});
  RawClient client = Client();

  Ask(client, kHundred);

  EXPECT_EQ(HeaderOf(client, "x-ratelimit-limit-input-tokens"), "100");
  EXPECT_EQ(HeaderOf(client, "x-ratelimit-remaining-input-tokens"), "96");
  EXPECT_EQ(HeaderOf(client, "x-ratelimit-reset-input-tokens"), "2.4s");
  EXPECT_EQ(HeaderOf(client, "x-ratelimit-limit-output-tokens"), "500");
  EXPECT_EQ(HeaderOf(client, "x-ratelimit-remaining-output-tokens"), "404");
  EXPECT_EQ(HeaderOf(client, "x-ratelimit-reset-output-tokens"), "11.52s");
  EXPECT_EQ(HeaderOf(client, "x-ratelimit-limit-tokens"), "none");
}

TEST_F(LimitsTest, GivesBackWhatWasNotGeneratedBeforeTheAnswerEnds) {
  Start({.limits = {.tokens = 1000}, .threads = 2});
  RawClient client = Client();

  Ask(client, kHundred);
  Ask(client, kHundred);
  EXPECT_EQ(HeaderOf(client, "x-ratelimit-remaining-tokens"), "894");
  Ask(client, Body("hi", R"(,"max_tokens":96)"));

  EXPECT_EQ(HeaderOf(client, "x-ratelimit-remaining-tokens"), "982");
  EXPECT_THAT(GetUntil("/_sim/stats", R"("open_streams":0)"),
              HasSubstr(R"("rate_limited":0,"charged":[{"account":"","model":"sim","requests":3,)"
                        R"("input_tokens":12,"output_tokens":6,"rate_limited":0}])"));
}

TEST_F(LimitsTest, RefusesWhatDoesNotFitUntilTheTimeItNames) {
  Start({.limits = {.tokens = 1000}});
  RawClient client = Client();
  Ask(client, Body("/sim tokens 992", R"(,"max_tokens":992)"));

  EXPECT_EQ(Ask(client, kHundred), "429");
  EXPECT_THAT(body_, HasSubstr(R"("message": "Rate limit reached for sim in organization )"
                               R"(providersim on tokens per min (TPM): Limit 1000, Used 999, )"
                               R"(Requested 100. Please try again in 5.94s.)"));
  EXPECT_THAT(body_, HasSubstr(R"("type": "tokens")"));
  EXPECT_THAT(body_, HasSubstr(R"("code": "rate_limit_exceeded")"));
  EXPECT_EQ(HeaderOf(client, "retry-after-ms"), "5940");
  EXPECT_EQ(HeaderOf(client, "retry-after"), "6");
  EXPECT_EQ(HeaderOf(client, "x-ratelimit-remaining-tokens"), "1");

  clock_.Advance(absl::Milliseconds(5939));
  EXPECT_EQ(Ask(client, kHundred), "429");
  EXPECT_EQ(HeaderOf(client, "retry-after-ms"), "1");
  clock_.Advance(absl::Milliseconds(1));
  EXPECT_EQ(Ask(client, kHundred), "200");
  EXPECT_THAT(GetUntil("/_sim/stats", R"("open_streams":0)"),
              AllOf(HasSubstr(R"("rate_limited":2,)"), HasSubstr(R"("completed":2,"cut":0)"),
                    HasSubstr(R"("error":2,)")));
}

TEST_F(LimitsTest, RefusesForEverWhatIsLargerThanTheAllowance) {
  Start({.limits = {.tokens = 1000}});
  RawClient client = Client();

  EXPECT_EQ(Ask(client, Body("hi")), "429");

  EXPECT_THAT(body_, HasSubstr("Request too large for sim in organization providersim on tokens "
                               "per min (TPM): Limit 1000, Requested 4100."));
  EXPECT_THAT(body_, HasSubstr(R"("type": "tokens")"));
  EXPECT_EQ(HeaderOf(client, "retry-after"), "none");
  EXPECT_EQ(HeaderOf(client, "retry-after-ms"), "none");
  EXPECT_EQ(HeaderOf(client, "x-ratelimit-remaining-tokens"), "1000");
  EXPECT_EQ(Ask(client, Body("hi", R"(,"max_tokens":9223372036854775807)")), "429");
  EXPECT_THAT(body_, HasSubstr("Request too large"));
}

TEST_F(LimitsTest, LimitsEveryKeyAndModelByItself) {
  Start({.limits = {.requests = 1}});
  RawClient client = Client();
  const std::string other =
      R"({"model":"other","messages":[{"role":"user","content":"hi"}],"max_tokens":9})";

  EXPECT_EQ(Ask(client, kHundred, "key-of-ada"), "200");
  EXPECT_EQ(Ask(client, kHundred, "key-of-ada"), "429");
  EXPECT_THAT(body_, HasSubstr("on requests per min (RPM): Limit 1, Used 1, Requested 1."));
  EXPECT_THAT(body_, HasSubstr(R"("type": "requests")"));
  EXPECT_EQ(Ask(client, kHundred, "key-of-bob"), "200");
  EXPECT_EQ(Ask(client, other, "key-of-ada"), "200");

  EXPECT_THAT(GetUntil("/_sim/stats", R"("open_streams":0)"),
              AllOf(HasSubstr(R"({"account":"...-ada","model":"other","requests":1,)"),
                    HasSubstr(R"({"account":"...-bob","model":"sim","requests":1,)")));
}

TEST_F(LimitsTest, ChargesTokensAsTheyAreSent) {
  Start({.limits = {.tokens = 1000, .charge = ChargeTime::kGenerated}});
  RawClient stream = Client();
  RawClient other = Client();
  stream.SendChat(Body("/sim tokens 3\n/sim gate g"));
  GetUntil("/_sim/gates/g", R"("waiting":1)");

  Ask(other, kHundred);
  EXPECT_EQ(HeaderOf(other, "x-ratelimit-remaining-tokens"), "985");
  Acknowledge("g", 2);
  stream.ReadAnswer();
  Ask(other, kHundred);

  EXPECT_EQ(HeaderOf(other, "x-ratelimit-remaining-tokens"), "977");
}

TEST_F(LimitsTest, GivesBackTheOutputThatAClientDidNotWaitFor) {
  Start({.limits = {.tokens = 1000}});
  {
    RawClient leaves = Client();
    leaves.SendChat(Body("/sim tokens 90\n/sim hang-after 2", R"(,"stream":true,"max_tokens":90)"));
    leaves.ReadUntil("t2");
  }
  GetUntil("/_sim/stats", R"("open_streams":0)");
  RawClient client = Client();

  Ask(client, kHundred);

  EXPECT_EQ(HeaderOf(client, "x-ratelimit-remaining-tokens"), "887");
}

TEST_F(LimitsTest, ChargesTheInputOfWhatItFails) {
  Start({.limits = {.requests = 2, .tokens = 1000}});
  RawClient client = Client();
  const std::string failing =
      Body("/sim key k\n/sim fail-first 1 status 500", R"(,"max_tokens":9)");

  EXPECT_EQ(Ask(client, Body("/sim status 503", R"(,"max_tokens":9)")), "503");
  EXPECT_EQ(HeaderOf(client, "x-ratelimit-remaining-tokens"), "993");
  EXPECT_EQ(HeaderOf(client, "x-ratelimit-remaining-requests"), "1");
  EXPECT_EQ(Ask(client, failing), "500");
  EXPECT_EQ(Ask(client, failing), "429");
  clock_.Advance(absl::Seconds(30));
  EXPECT_EQ(Ask(client, failing), "200");
}

TEST_F(LimitsTest, StandsOnNoAnswerWithoutAnAccount) {
  Start({.limits = {.requests = 2}});
  RawClient client = Client();

  EXPECT_EQ(Ask(client, "{"), "400");
  EXPECT_THAT(client.head(), Not(HasSubstr("x-ratelimit")));
  client.Send("GET", "/v1/models", "");
  client.ReadAnswer();

  EXPECT_THAT(client.head(), Not(HasSubstr("x-ratelimit")));
}

TEST_F(LimitsTest, GoesByTheLawThatIsChosen) {
  Start({.limits = {.requests = 60, .law = LawKind::kMinute}});
  RawClient client = Client();

  EXPECT_EQ(Ask(client, kHundred), "200");
  EXPECT_EQ(HeaderOf(client, "x-ratelimit-remaining-requests"), "0");
  EXPECT_EQ(HeaderOf(client, "x-ratelimit-reset-requests"), "1m0s");
  EXPECT_EQ(Ask(client, kHundred), "429");
  EXPECT_EQ(HeaderOf(client, "retry-after-ms"), "1000");
  clock_.Advance(absl::Seconds(1));
  EXPECT_EQ(Ask(client, kHundred), "200");
}

TEST_F(LimitsTest, ChangesItsLimitsWhenToldSilentlyOrNot) {
  Start({.limits = {.tokens = 1000}});
  RawClient client = Client();
  const auto remaining = [&] { return HeaderOf(client, "x-ratelimit-remaining-tokens"); };

  EXPECT_EQ(Post("/_sim/limits", R"({"factor": 0.5, "silent": true})"), "{}\n");
  EXPECT_EQ(Ask(client, Body("/sim tokens 496", R"(,"max_tokens":496)")), "429");
  EXPECT_EQ(HeaderOf(client, "x-ratelimit-limit-tokens"), "1000");
  EXPECT_EQ(remaining(), "1000");
  EXPECT_EQ(Ask(client, Body("/sim tokens 400", R"(,"max_tokens":400)")), "200");
  EXPECT_EQ(remaining(), "593");
  EXPECT_EQ(Ask(client, kHundred), "429");
  EXPECT_EQ(HeaderOf(client, "retry-after-ms"), "840");

  EXPECT_EQ(Post("/_sim/limits", R"({"factor": 2})"), "{}\n");
  EXPECT_EQ(Ask(client, kHundred, "new"), "200");
  EXPECT_EQ(HeaderOf(client, "x-ratelimit-limit-tokens"), "2000");
  EXPECT_EQ(remaining(), "1900");
}

TEST_F(LimitsTest, RefusesAChangeThatIsNone) {
  Start({.limits = {.tokens = 1000}});

  for (const char* body : {"", "{}", R"({"factor": 0})", R"({"factor": 11})", R"({"factor": "1"})",
                           R"({"factor": 1, "silent": 1})"}) {
    EXPECT_THAT(Post("/_sim/limits", body), HasSubstr("expected {\\\"factor\\\": F")) << body;
  }
  for (const char* body : {"", "{}", R"({"status": 200})", R"({"reset": false})",
                           R"({"status": 503, "reset": true})"}) {
    EXPECT_THAT(Post("/_sim/outage", body), HasSubstr("expected {\\\"status\\\": 0")) << body;
  }
}

TEST_F(LimitsTest, HasNoLimitToChangeWithoutLimits) {
  Start({});
  RawClient client = Client();

  EXPECT_THAT(Post("/_sim/limits", R"({"factor": 1})"), HasSubstr("no limit was set"));
  EXPECT_EQ(Ask(client, kHundred), "200");
  EXPECT_EQ(HeaderOf(client, "x-ratelimit-limit-tokens"), "150000000");
  EXPECT_THAT(GetUntil("/_sim/stats", R"("open_streams":0)"),
              HasSubstr(R"("rate_limited":0,"charged":[]})"));
}

TEST_F(LimitsTest, AnswersEveryCompletionWithTheStatusOfAnOutage) {
  Start({.limits = {.requests = 1}});
  RawClient client = Client();

  Post("/_sim/outage", R"({"status": 503})");
  EXPECT_EQ(Ask(client, kHundred), "503");
  EXPECT_THAT(body_, HasSubstr("server_error"));
  EXPECT_EQ(Ask(client, kHundred), "503");
  Post("/_sim/outage", R"({"status": 0})");

  EXPECT_EQ(Ask(client, kHundred), "200");
  EXPECT_THAT(GetUntil("/_sim/stats", R"("open_streams":0)"),
              HasSubstr(R"("completed":1,"cut":0,"client_closed":0,"error":2)"));
}

TEST_F(LimitsTest, ResetsConnectionsInAnOutage) {
  Start({});
  RawClient client = Client();

  Post("/_sim/outage", R"({"reset": true})");
  client.SendChat(kHundred);
  EXPECT_EQ(client.ReadToEnd(), "");
  EXPECT_EQ(client.failure(), "reset");
  Post("/_sim/outage", R"({"status": 0})");

  EXPECT_EQ(ContentOf(Chat(kHundred)), "Noted. hi");
  EXPECT_THAT(Get("/_sim/requests"), HasSubstr(R"("outcome":"cut","status":0)"));
}

}  // namespace
}  // namespace penstock::providersim
