// What goes wrong with an answer, on demand.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/providersim/simulator_fixture.h"

namespace penstock::providersim {
namespace {

using testing::HasSubstr;
using testing::Not;

using FaultsTest = ProvidersimTest;

TEST_F(FaultsTest, AnswersAnyErrorStatus) {
  Start({});
  RawClient client = Client();

  client.SendChat(Body("/sim status 429 1500"));
  const std::string limited = client.ReadAnswer();
  const std::string head = client.head();
  client.SendChat(Body("/sim status 429 insufficient_quota"));
  const std::string broke = client.ReadAnswer();
  client.SendChat(Body("/sim status 500"));
  client.ReadAnswer();

  EXPECT_THAT(head, HasSubstr("429 Too Many Requests"));
  EXPECT_THAT(head, HasSubstr("\r\nretry-after-ms: 1500\r\nretry-after: 2\r\n"));
  EXPECT_THAT(limited, HasSubstr(R"("code": "rate_limit_exceeded")"));
  EXPECT_THAT(broke, HasSubstr(R"("type": "insufficient_quota")"));
  EXPECT_THAT(client.head(), HasSubstr("500 Internal Server Error"));
}

TEST_F(FaultsTest, BreaksAStreamWithAnErrorObject) {
  Start({});

  const std::string stream = Chat(Body("/sim tokens 5\n/sim error-after 2"));

  EXPECT_EQ(ContentOf(stream), "t1 t2");
  EXPECT_THAT(stream, HasSubstr("data: {\"error\":{\"message\":"));
  EXPECT_THAT(stream, Not(HasSubstr("[DONE]")));
}

TEST_F(FaultsTest, ResetsTheConnectionAfterSomeTokens) {
  Start({});
  RawClient client = Client();

  client.SendChat(Body("/sim tokens 5\n/sim cut-after 2"));
  const std::string stream = client.ReadToEnd();

  EXPECT_EQ(ContentOf(stream), "t1 t2");
  EXPECT_EQ(client.failure(), "reset");
  EXPECT_THAT(Get("/_sim/requests"),
              HasSubstr(R"("outcome":"cut","status":200,"stream":true,"tokens_sent":2)"));
}

TEST_F(FaultsTest, BreaksAWholeAnswerWithStatus500) {
  Start({});

  EXPECT_THAT(Chat(Body("/sim tokens 5\n/sim error-after 2", "")), HasSubstr("server_error"));
}

TEST_F(FaultsTest, EndsAStreamCleanlyWithoutItsEndMarker) {
  Start({});
  RawClient client = Client();

  client.SendChat(Body("/sim tokens 5\n/sim truncate-after 2"));
  const std::string stream = client.ReadAnswer();
  client.ReadToEnd();

  EXPECT_EQ(ContentOf(stream), "t1 t2");
  EXPECT_THAT(stream, Not(HasSubstr("[DONE]")));
  EXPECT_EQ(client.failure(), "closed");
}

TEST_F(FaultsTest, SendsAnEventThatIsNoJson) {
  Start({});

  EXPECT_THAT(Chat(Body("/sim malformed")),
              HasSubstr("data: {\"id\": \"chatcmpl-broken\", \"choi\n"));
}

TEST_F(FaultsTest, HangsUntilTheClientLeaves) {
  Start({});
  {
    RawClient silent = Client();
    silent.SendChat(Body("/sim hang-before"));
    RawClient stuck = Client();
    stuck.SendChat(Body("/sim tokens 5\n/sim hang-after 2"));
    EXPECT_THAT(stuck.ReadUntil("\"t1\""), HasSubstr("200 OK"));
    EXPECT_THAT(stuck.ReadUntil("\" t2\""), HasSubstr("t2"));
    GetUntil("/_sim/stats", R"("open_streams":2)");
    EXPECT_TRUE(silent.IsSilent());
  }

  const std::string stats = GetUntil("/_sim/stats", R"("open_streams":0)");

  EXPECT_THAT(stats, HasSubstr(R"("client_closed":2)"));
}

TEST_F(FaultsTest, NoticesAClientThatLeavesBetweenTokens) {
  Start({});
  {
    RawClient client = Client();
    client.SendChat(Body("/sim tokens 2\n/sim interval 600000"));
    client.ReadUntil("t1");
  }

  EXPECT_THAT(GetUntil("/_sim/stats", R"("open_streams":0)"), HasSubstr(R"("client_closed":1)"));
}

TEST_F(FaultsTest, FailsTheFirstCallsOfAKey) {
  Start({});
  const std::string body = Body("/sim key k1\n/sim fail-first 2 status 503\n/sim tokens 1");

  EXPECT_THAT(Chat(body), HasSubstr("server_error"));
  EXPECT_THAT(Chat(body), HasSubstr("server_error"));
  EXPECT_EQ(ContentOf(Chat(body)), "t1");
}

TEST_F(FaultsTest, ThinksAloudRefusesAndFiltersWhenTold) {
  Start({});

  const std::string thought = Chat(Body("/sim reasoning\n/sim tokens 1"));
  const std::string refused = Chat(Body("/sim refusal"));
  const std::string filtered = Chat(Body("/sim tokens 1\n/sim finish content_filter"));

  EXPECT_THAT(thought, HasSubstr(R"({"reasoning":"Let"})"));
  EXPECT_THAT(refused, HasSubstr(R"({"refusal":"I"})"));
  EXPECT_EQ(ContentOf(refused), "");
  EXPECT_THAT(filtered, HasSubstr(R"("finish_reason":"content_filter")"));
}

TEST_F(FaultsTest, DemandsItsKeyAndKnowsItsModels) {
  Start({.api_key = "secret", .models = {"sim"}});
  RawClient client = Client();

  client.SendChat(Body("hi"));
  EXPECT_THAT(client.ReadAnswer(), HasSubstr("You didn't provide an API key"));
  EXPECT_THAT(client.head(), HasSubstr("401 Unauthorized"));
  client.SendChat(Body("hi"), "Authorization: Bearer wrong\r\n");
  EXPECT_THAT(client.ReadAnswer(), HasSubstr("invalid_api_key"));
  client.SendChat(R"({"model":"other","messages":[{"role":"user","content":"hi"}]})",
                  "Authorization: Bearer secret\r\n");
  EXPECT_THAT(client.ReadAnswer(), HasSubstr("model_not_found"));
  EXPECT_THAT(client.head(), HasSubstr("404 Not Found"));
  client.SendChat(Body("/sim tokens 1"), "Authorization: Bearer secret\r\n");
  EXPECT_EQ(ContentOf(client.ReadAnswer()), "t1");
  EXPECT_THAT(Get("/v1/models"), HasSubstr(R"("id":"sim","object":"model")"));
}

TEST_F(FaultsTest, RefusesUnknownPathsMethodsAndBrokenHttp) {
  Start({});
  RawClient client = Client();

  EXPECT_THAT(Get("/v1/nothing"), HasSubstr("Invalid URL (GET /v1/nothing)"));
  EXPECT_THAT(Get("/v1/chat/completions"), HasSubstr("Not allowed to GET"));
  client.Send("GET\r\n", "", "");
  client.ReadAnswer();
  EXPECT_THAT(client.head(), HasSubstr("400 Bad Request"));
}

}  // namespace
}  // namespace penstock::providersim
