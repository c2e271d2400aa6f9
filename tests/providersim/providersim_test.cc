// providersim over real sockets.
#include <fstream>
#include <sstream>
#include <thread>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/providersim/json_text.h"
#include "tests/providersim/raw_client.h"
#include "tests/providersim/server.h"

#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"

namespace penstock::providersim {
namespace {

using testing::HasSubstr;
using testing::Not;
using testing::SizeIs;

std::string Body(absl::string_view said, absl::string_view more = R"(,"stream":true)") {
  return absl::StrCat(R"({"model":"sim","messages":[{"role":"user","content":)", JsonString(said),
                      "}]", more, "}");
}

// The text of the content deltas.
std::string ContentOf(const std::string& stream) {
  constexpr absl::string_view kField = "\"delta\":{\"content\":\"";
  std::string content;
  for (size_t at = stream.find(kField.data()); at != std::string::npos;
       at = stream.find(kField.data(), at)) {
    at += kField.size();
    content += stream.substr(at, stream.find('"', at) - at);
  }
  return content;
}

class ProvidersimTest : public testing::Test {
 protected:
  void Start(Options options) {
    if (options.listen == Options().listen) options.listen = "127.0.0.1:0";
    auto opened = Server::Open(std::move(options));
    ASSERT_TRUE(opened.ok()) << opened.status();
    server_ = *std::move(opened);
    thread_ = std::thread([this] { server_->Run(); });
  }

  void Stop() {
    if (server_ == nullptr) return;
    server_->Stop();
    thread_.join();
    server_.reset();
  }

  void TearDown() override { Stop(); }

  RawClient Client() { return RawClient(server_->address()); }

  std::string Get(absl::string_view target) {
    RawClient client = Client();
    client.Send("GET", target, "");
    return client.ReadAnswer();
  }

  std::string Chat(absl::string_view body) {
    RawClient client = Client();
    client.SendChat(body);
    return client.ReadAnswer();
  }

  void Acknowledge(absl::string_view gate, int count) {
    RawClient client = Client();
    client.Send("POST", absl::StrCat("/_sim/gates/", gate),
                absl::StrCat("{\"acknowledged\": ", count, "}"));
    client.ReadAnswer();
  }

  // Asks until the answer holds `wanted`: what it waits for is under way.
  std::string GetUntil(absl::string_view target, const std::string& wanted) {
    RawClient client = Client();
    for (;;) {
      client.Send("GET", target, "");
      std::string answer = client.ReadAnswer();
      if (answer.find(wanted) != std::string::npos) return answer;
    }
  }

  std::unique_ptr<Server> server_;
  std::thread thread_;
};

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

TEST_F(ProvidersimTest, AnswersAnyErrorStatus) {
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

TEST_F(ProvidersimTest, BreaksAStreamWithAnErrorObject) {
  Start({});

  const std::string stream = Chat(Body("/sim tokens 5\n/sim error-after 2"));

  EXPECT_EQ(ContentOf(stream), "t1 t2");
  EXPECT_THAT(stream, HasSubstr("data: {\"error\":{\"message\":"));
  EXPECT_THAT(stream, Not(HasSubstr("[DONE]")));
}

TEST_F(ProvidersimTest, ResetsTheConnectionAfterSomeTokens) {
  Start({});
  RawClient client = Client();

  client.SendChat(Body("/sim tokens 5\n/sim cut-after 2"));
  const std::string stream = client.ReadToEnd();

  EXPECT_EQ(ContentOf(stream), "t1 t2");
  EXPECT_EQ(client.failure(), "reset");
  EXPECT_THAT(Get("/_sim/requests"),
              HasSubstr(R"("outcome":"cut","status":200,"stream":true,"tokens_sent":2)"));
}

TEST_F(ProvidersimTest, EndsAStreamCleanlyWithoutItsEndMarker) {
  Start({});
  RawClient client = Client();

  client.SendChat(Body("/sim tokens 5\n/sim truncate-after 2"));
  const std::string stream = client.ReadAnswer();
  client.ReadToEnd();

  EXPECT_EQ(ContentOf(stream), "t1 t2");
  EXPECT_THAT(stream, Not(HasSubstr("[DONE]")));
  EXPECT_EQ(client.failure(), "closed");
}

TEST_F(ProvidersimTest, SendsAnEventThatIsNoJson) {
  Start({});

  EXPECT_THAT(Chat(Body("/sim malformed")),
              HasSubstr("data: {\"id\": \"chatcmpl-broken\", \"choi\n"));
}

TEST_F(ProvidersimTest, HangsUntilTheClientLeaves) {
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

TEST_F(ProvidersimTest, NoticesAClientThatLeavesBetweenTokens) {
  Start({});
  {
    RawClient client = Client();
    client.SendChat(Body("/sim tokens 2\n/sim interval 600000"));
    client.ReadUntil("t1");
  }

  EXPECT_THAT(GetUntil("/_sim/stats", R"("open_streams":0)"), HasSubstr(R"("client_closed":1)"));
}

TEST_F(ProvidersimTest, FailsTheFirstCallsOfAKey) {
  Start({});
  const std::string body = Body("/sim key k1\n/sim fail-first 2 status 503\n/sim tokens 1");

  EXPECT_THAT(Chat(body), HasSubstr("server_error"));
  EXPECT_THAT(Chat(body), HasSubstr("server_error"));
  EXPECT_EQ(ContentOf(Chat(body)), "t1");
}

TEST_F(ProvidersimTest, ThinksAloudRefusesAndFiltersWhenTold) {
  Start({});

  const std::string thought = Chat(Body("/sim reasoning\n/sim tokens 1"));
  const std::string refused = Chat(Body("/sim refusal"));
  const std::string filtered = Chat(Body("/sim tokens 1\n/sim finish content_filter"));

  EXPECT_THAT(thought, HasSubstr(R"({"reasoning":"Let"})"));
  EXPECT_THAT(refused, HasSubstr(R"({"refusal":"I"})"));
  EXPECT_EQ(ContentOf(refused), "");
  EXPECT_THAT(filtered, HasSubstr(R"("finish_reason":"content_filter")"));
}

TEST_F(ProvidersimTest, DemandsItsKeyAndKnowsItsModels) {
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

TEST_F(ProvidersimTest, RefusesUnknownPathsMethodsAndBrokenHttp) {
  Start({});
  RawClient client = Client();

  EXPECT_THAT(Get("/v1/nothing"), HasSubstr("Invalid URL (GET /v1/nothing)"));
  EXPECT_THAT(Get("/v1/chat/completions"), HasSubstr("Not allowed to GET"));
  client.Send("GET\r\n", "", "");
  client.ReadAnswer();
  EXPECT_THAT(client.head(), HasSubstr("400 Bad Request"));
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
