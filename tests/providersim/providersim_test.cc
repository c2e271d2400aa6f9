// providersim over real sockets: answers, gates, record, ledger.
#include <fstream>
#include <sstream>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/providersim/simulator_fixture.h"

#include "absl/strings/str_split.h"

namespace penstock::providersim {
namespace {

using testing::HasSubstr;
using testing::Not;
using testing::SizeIs;

TEST_F(ProvidersimTest, StreamsRoleThenTokensThenFinishUsageAndDone) {
  Start({});
  RawClient client = Client();

  client.SendChat(Body(
      "/sim tokens 3",
      R"(,"stream":true,"stream_options":{"include_usage":true,"include_obfuscation":false})"));
  const std::string stream = client.ReadAnswer();

  EXPECT_THAT(client.head(), HasSubstr("HTTP/1.1 200 OK\r\ncontent-type: text/event-stream"));
  EXPECT_THAT(client.head(), HasSubstr("\r\nx-request-id: req_"));
  EXPECT_THAT(client.head(), HasSubstr("\r\nx-ratelimit-remaining-tokens: "));
  const std::vector<std::string> events = absl::StrSplit(stream, "\n\n", absl::SkipEmpty());
  ASSERT_THAT(events, SizeIs(7));
  EXPECT_THAT(events[0], HasSubstr(R"("delta":{"role":"assistant","content":"")"));
  EXPECT_THAT(events[1], HasSubstr(R"("delta":{"content":"t1"})"));
  EXPECT_THAT(events[1], HasSubstr(R"("finish_reason":null}],"usage":null})"));
  EXPECT_THAT(events[3], HasSubstr(R"("delta":{"content":" t3"})"));
  EXPECT_THAT(events[4], HasSubstr(R"("delta":{},"logprobs":null,"finish_reason":"stop")"));
  EXPECT_THAT(events[5],
              HasSubstr(R"("choices":[],"usage":{"prompt_tokens":7,"completion_tokens":3)"));
  EXPECT_EQ(events[6], "data: [DONE]");
}

TEST_F(ProvidersimTest, AnswersWholeWhenNotAskedToStream) {
  Start({});

  const std::string answer = Chat(Body("My dog is \"Rex\".", ""));

  EXPECT_THAT(answer, HasSubstr(R"("object":"chat.completion")"));
  EXPECT_THAT(answer, HasSubstr(R"("content":"Noted. My dog is \"Rex\".","refusal":null)"));
  EXPECT_THAT(answer, HasSubstr(R"("finish_reason":"stop")"));
  EXPECT_THAT(answer, HasSubstr(R"("completion_tokens":5,)"));
}

TEST_F(ProvidersimTest, SpreadsTokensOverEvents) {
  Start({});

  const std::string stream = Chat(Body("/sim tokens 50\n/sim events 10"));

  EXPECT_THAT(std::vector<std::string>(absl::StrSplit(stream, "\n\n", absl::SkipEmpty())),
              SizeIs(13));
  EXPECT_THAT(stream, HasSubstr(R"({"content":"t1 t2 t3 t4 t5"})"));
}

TEST_F(ProvidersimTest, ServesManyRequestsOnOneConnectionAlsoPipelined) {
  Start({});
  RawClient client = Client();

  client.SendChat(Body("/sim tokens 1\n/sim delay 1"));
  client.SendChat(Body("/sim tokens 2"));

  EXPECT_EQ(ContentOf(client.ReadAnswer()), "t1");
  EXPECT_EQ(ContentOf(client.ReadAnswer()), "t1 t2");
  EXPECT_THAT(Get("/_sim/stats"), HasSubstr(R"("connections_total":2)"));
}

TEST_F(ProvidersimTest, SendsTheNextTokenOnlyAfterTheLastWasAcknowledged) {
  Start({});
  RawClient client = Client();
  client.SendChat(Body("/sim tokens 20\n/sim gate g1"));

  for (int token = 1; token < 20; ++token) {
    client.ReadUntil(absl::StrCat("t", token, "\"}"));
    client.ReadUntil("\n\n\r\n");
    GetUntil("/_sim/gates/g1", R"("waiting":1)");
    ASSERT_TRUE(client.IsSilent()) << token;
    Acknowledge("g1", token);
  }

  EXPECT_THAT(client.ReadUntil("0\r\n\r\n"), HasSubstr("data: [DONE]"));
}

TEST_F(ProvidersimTest, RecordsWhatItWasAskedWithoutItsKey) {
  Start({.record_limit = 2});
  RawClient client = Client();
  for (int i = 1; i <= 3; ++i) {
    client.SendChat(Body(absl::StrCat("request ", i)),
                    "Authorization: Bearer secret\r\nX-Penstock-Turn: t7\r\n");
    client.ReadAnswer();
  }

  const std::string all = Get("/_sim/requests");
  const std::string newest = Get("/_sim/requests?since=2");
  const std::string first = Get("/_sim/requests?limit=1");

  EXPECT_THAT(
      all,
      HasSubstr(R"("body":{"model":"sim","messages":[{"role":"user","content":"request 2"}])"));
  EXPECT_THAT(all, HasSubstr(R"("turn":"t7","attempt":"","outcome":"completed","status":200)"));
  EXPECT_THAT(all, HasSubstr(R"("x-penstock-turn":"t7")"));
  EXPECT_THAT(all, Not(HasSubstr("secret")));
  EXPECT_THAT(all, HasSubstr(R"("last":3,"dropped":1)"));
  EXPECT_THAT(newest, Not(HasSubstr("request 2")));
  EXPECT_THAT(newest, HasSubstr("request 3"));
  EXPECT_THAT(first, Not(HasSubstr("request 3")));
}

TEST_F(ProvidersimTest, RecordsNothingWithALimitOfNought) {
  Start({.record_limit = 0});

  Chat(Body("hi"));

  EXPECT_EQ(Get("/_sim/requests"), "{\"requests\":[],\"last\":1,\"dropped\":1}\n");
}

TEST_F(ProvidersimTest, WritesALedgerLineAtStartAndEndOfEveryCall) {
  const std::string path = testing::TempDir() + "/providersim_ledger";
  std::remove(path.c_str());
  Start({.ledger = path});
  RawClient client = Client();
  client.SendChat(Body("/sim tokens 2"), "x-penstock-turn: t1\r\nx-penstock-attempt: 2\r\n");
  client.ReadAnswer();
  RawClient dropped = Client();
  dropped.SendChat(Body("/sim hang-before"));
  GetUntil("/_sim/stats", R"("open_streams":1)");
  Stop();

  std::stringstream ledger;
  ledger << std::ifstream(path).rdbuf();
  const std::vector<std::string> lines = absl::StrSplit(ledger.str(), '\n', absl::SkipEmpty());

  ASSERT_THAT(lines, SizeIs(4));
  EXPECT_THAT(lines[0], HasSubstr(R"({"event":"start","number":1,)"));
  EXPECT_THAT(lines[0], HasSubstr(R"("turn":"t1","attempt":"2","prompt_hash":")"));
  EXPECT_THAT(lines[1], HasSubstr(R"("outcome":"completed","status":200,"tokens_sent":2})"));
  EXPECT_THAT(lines[3], HasSubstr(R"("outcome":"stopped")"));
}

TEST_F(ProvidersimTest, ListensOnAUnixSocket) {
  Start({.listen = "unix:" + testing::TempDir() + "/providersim.sock"});

  EXPECT_EQ(ContentOf(Chat(Body("/sim tokens 2"))), "t1 t2");
  EXPECT_EQ(server_->url(), server_->address());
}

TEST_F(ProvidersimTest, GeneratesTokensAtARateBesideAnInterval) {
  Start({.token_interval = std::chrono::milliseconds(1), .token_rate = 10'000, .events = 3});

  EXPECT_EQ(ContentOf(Chat(Body("/sim tokens 7"))), "t1 t2 t3 t4 t5 t6 t7");
  EXPECT_THAT(Chat(Body("/sim tokens 7", "")), HasSubstr("t1 t2 t3 t4 t5 t6 t7"));
}

TEST_F(ProvidersimTest, HoldsManyStreamsOpenOnTwoThreads) {
  constexpr int kStreams = 200;
  Start({.threads = 2});
  std::vector<RawClient> clients;
  for (int i = 0; i < kStreams; ++i) {
    clients.push_back(Client());
    clients.back().SendChat(Body("/sim tokens 2\n/sim gate many"));
  }

  GetUntil("/_sim/gates/many", absl::StrCat("\"waiting\":", kStreams, "}"));
  EXPECT_THAT(Get("/_sim/stats"), HasSubstr(absl::StrCat("\"peak_open_streams\":", kStreams, ",")));
  Acknowledge("many", 1);

  for (RawClient& client : clients) EXPECT_EQ(ContentOf(client.ReadAnswer()), "t1 t2");
}

}  // namespace
}  // namespace penstock::providersim
