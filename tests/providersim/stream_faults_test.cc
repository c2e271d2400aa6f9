// Every fault in both formats, before the first delta of a stream and after some.
#include <string>
#include <utility>
#include <vector>

#include <boost/json/parse.hpp>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/providersim/simulator_fixture.h"

#include "absl/strings/match.h"

namespace penstock::providersim {
namespace {

using testing::HasSubstr;
using testing::Not;
using testing::StartsWith;

// Directive and the text that arrives.
using Cases = std::vector<std::pair<std::string, std::string>>;

constexpr absl::string_view kStreamed = R"(,"stream":true)";

bool IsJson(const std::string& text) {
  boost::json::error_code failed;
  boost::json::parse(text, failed);
  return !failed;
}

class StreamFaultsTest : public ProvidersimTest, public testing::WithParamInterface<const char*> {
 protected:
  void SetUp() override { Start({}); }

  bool anthropic() const { return GetParam() == std::string("anthropic"); }

  // Answers of 4 tokens.
  void Send(RawClient& client, absl::string_view directive,
            absl::string_view more = kStreamed) const {
    const std::string said = absl::StrCat("/sim tokens 4\n", directive);
    if (anthropic()) return client.SendMessages(MessagesBody(said, more));
    client.SendChat(Body(said, more));
  }

  std::string Answer(absl::string_view directive, absl::string_view more = kStreamed) {
    RawClient client = Client();
    Send(client, directive, more);
    return client.ReadAnswer();
  }

  std::string TextOf(const std::string& stream) const {
    return anthropic() ? MessageTextOf(stream) : ContentOf(stream);
  }

  std::string EndMarker() const { return anthropic() ? "event: message_stop\n" : "data: [DONE]\n"; }

  // What the simulator says of the newest call, once it has ended.
  std::string Outcome() {
    GetUntil("/_sim/stats", R"("open_streams":0)");
    return Get("/_sim/requests");
  }
};

TEST_P(StreamFaultsTest, AnErrorEventEndsTheStream) {
  const std::string before = Answer("/sim error-after 0 529");
  const std::string after = Answer("/sim error-after 2 429 slow_down");

  EXPECT_EQ(TextOf(before), "");
  EXPECT_EQ(TextOf(after), "t1 t2");
  EXPECT_THAT(before, HasSubstr(anthropic() ? "event: error\ndata: {\"type\":\"error\",\"error\":"
                                              "{\"type\":\"overloaded_error\""
                                            : "data: {\"error\":{\"message\":"));
  EXPECT_THAT(after, HasSubstr(anthropic() ? R"("details":{"error_code":"slow_down"})"
                                           : R"("code":"slow_down")"));
  EXPECT_THAT(before, Not(HasSubstr(EndMarker())));
  EXPECT_THAT(after, Not(HasSubstr(EndMarker())));
  EXPECT_THAT(Outcome(), HasSubstr(R"("outcome":"error","status":200)"));
}

TEST_P(StreamFaultsTest, SilenceLastsUntilTheClientLeaves) {
  {
    RawClient never = Client();
    RawClient begun = Client();
    RawClient stuck = Client();
    Send(never, "/sim hang-before");
    Send(begun, "/sim hang-after 0");
    Send(stuck, "/sim hang-after 2");
    EXPECT_THAT(begun.ReadUntil("\n\n\r\n"), HasSubstr("200 OK"));
    EXPECT_THAT(stuck.ReadUntil(" t2\""), HasSubstr("t1"));
    GetUntil("/_sim/stats", R"("open_streams":3)");
    EXPECT_TRUE(never.IsSilent());
  }

  EXPECT_THAT(GetUntil("/_sim/stats", R"("open_streams":0)"), HasSubstr(R"("client_closed":3)"));
}

TEST_P(StreamFaultsTest, AConnectionIsReset) {
  for (const auto& [directive, text] :
       Cases{{"/sim cut-before", ""}, {"/sim cut-after 0", ""}, {"/sim cut-after 2", "t1 t2"}}) {
    RawClient client = Client();
    Send(client, directive);
    const std::string stream = client.ReadToEnd();

    EXPECT_EQ(TextOf(stream), text) << directive;
    EXPECT_EQ(client.failure(), "reset") << directive;
    EXPECT_EQ(stream.empty(), absl::EndsWith(directive, "before"));
  }
}

TEST_P(StreamFaultsTest, ABodyEndsCleanlyWithoutTheEndMarker) {
  for (const auto& [directive, text] :
       Cases{{"/sim truncate-after 0", ""}, {"/sim truncate-after 2", "t1 t2"}}) {
    RawClient client = Client();
    Send(client, directive);
    const std::string stream = client.ReadToEnd();

    EXPECT_EQ(TextOf(stream), text);
    EXPECT_THAT(stream, Not(HasSubstr(EndMarker())));
    EXPECT_TRUE(absl::EndsWith(stream, "\r\n0\r\n\r\n")) << stream;
    EXPECT_EQ(client.failure(), "closed");
  }
}

TEST_P(StreamFaultsTest, AnEventIsTornAndTheBodyHasNoEnd) {
  for (const auto& [directive, text] :
       Cases{{"/sim tear-after 0", ""}, {"/sim tear-after 2", "t1 t2"}}) {
    RawClient client = Client();
    Send(client, directive);
    const std::string stream = client.ReadToEnd();

    EXPECT_EQ(TextOf(stream), text);
    EXPECT_FALSE(absl::EndsWith(stream, "\n\n\r\n")) << stream;
    EXPECT_FALSE(absl::EndsWith(stream, "0\r\n\r\n"));
    EXPECT_EQ(client.failure(), "closed");
  }
}

TEST_P(StreamFaultsTest, AnEventIsMalformed) {
  const std::string json = Answer("/sim malformed-after 2");
  const std::string shape = Answer("/sim malformed-after 0 shape");
  const std::string sse = Answer("/sim malformed-after 2 sse");

  EXPECT_EQ(TextOf(json), "t1 t2");
  EXPECT_THAT(json, HasSubstr(anthropic() ? "\"ind\n\n" : "\"choi\n\n"));
  EXPECT_THAT(json, HasSubstr(EndMarker()));
  EXPECT_EQ(TextOf(shape), "");
  EXPECT_THAT(shape, HasSubstr(R"("delta":["broken"])"));
  EXPECT_THAT(shape, HasSubstr(EndMarker()));
  EXPECT_TRUE(absl::EndsWith(sse, "\x01\xff<<<{]\n\n"));
}

TEST_P(StreamFaultsTest, ALineIsLongAndTheAnswerGoesOn) {
  const std::string stream = Answer("/sim long-line-after 2 1000000");

  EXPECT_EQ(TextOf(stream), "t1 t2 t3 t4");
  EXPECT_THAT(stream, HasSubstr(EndMarker()));
  EXPECT_GT(stream.size(), 1'000'000);
  EXPECT_THAT(stream.substr(stream.find("xxx")), StartsWith(std::string(1'000'000, 'x') + "\"}"));
}

TEST_P(StreamFaultsTest, BytesDrip) {
  EXPECT_EQ(TextOf(Answer("/sim drip 0")), "t1 t2 t3 t4");
  EXPECT_EQ(TextOf(Answer("/sim drip-after 2 0")), "t1 t2 t3 t4");
  {
    RawClient slow = Client();
    RawClient slower = Client();
    Send(slow, "/sim drip-after 2 600000");
    Send(slower, "/sim drip 600000");
    EXPECT_THAT(slow.ReadUntil(" t2"), HasSubstr("t1"));
    EXPECT_EQ(slower.ReadUntil("H"), "H");
    EXPECT_TRUE(slower.IsSilent());
    GetUntil("/_sim/stats", R"("open_streams":2)");
  }

  EXPECT_THAT(GetUntil("/_sim/stats", R"("open_streams":0)"), HasSubstr(R"("client_closed":2)"));
}

TEST_P(StreamFaultsTest, SomethingElseStandsInPlaceOfTheAnswer) {
  RawClient client = Client();
  Send(client, "/sim html");
  const std::string page = client.ReadAnswer();
  const std::string head = client.head();
  Send(client, "/sim redirect 307 http://127.0.0.1:9/elsewhere");
  client.ReadAnswer();
  const std::string redirect = client.head();
  Send(client, "/sim status 529 2500");
  const std::string overloaded = client.ReadAnswer();

  EXPECT_THAT(head, StartsWith("HTTP/1.1 200 OK\r\ncontent-type: text/html"));
  EXPECT_THAT(page, StartsWith("<!DOCTYPE html>"));
  EXPECT_THAT(redirect, StartsWith("HTTP/1.1 307 "));
  EXPECT_THAT(redirect, HasSubstr("\r\nlocation: http://127.0.0.1:9/elsewhere\r\n"));
  EXPECT_THAT(overloaded, HasSubstr(anthropic() ? "overloaded_error" : "server_error"));
  EXPECT_THAT(client.head(), HasSubstr("\r\nretry-after: 3\r\n"));
  EXPECT_EQ(absl::StrContains(client.head(), "retry-after-ms"), !anthropic());
}

TEST_P(StreamFaultsTest, UsageIsMissing) {
  const std::string more =
      anthropic() ? std::string(kStreamed)
                  : absl::StrCat(kStreamed, R"(,"stream_options":{"include_usage":true})");

  EXPECT_THAT(Answer("", more), HasSubstr("_tokens\":"));
  EXPECT_THAT(Answer("/sim no-usage", more), Not(HasSubstr("usage")));
  EXPECT_THAT(Answer("/sim no-usage", ""), Not(HasSubstr("usage")));
}

TEST_P(StreamFaultsTest, FaultsStrikeOnlySomeCalls) {
  const std::string other = anthropic() ? "openai" : "anthropic";
  const std::string twice = "/sim only-first 2\n/sim error-after 1";

  EXPECT_EQ(TextOf(Answer(absl::StrCat("/sim truncate-after 1\n/sim only ", GetParam()))), "t1");
  EXPECT_EQ(TextOf(Answer(absl::StrCat("/sim truncate-after 1\n/sim only ", other))),
            "t1 t2 t3 t4");
  EXPECT_EQ(TextOf(Answer("/sim truncate-after 1\n/sim only sim")), "t1");
  EXPECT_EQ(TextOf(Answer(twice)), "t1");
  EXPECT_EQ(TextOf(Answer(twice)), "t1");
  EXPECT_EQ(TextOf(Answer(twice)), "t1 t2 t3 t4");
}

TEST_P(StreamFaultsTest, AWholeAnswerFailsInItsOwnWay) {
  const auto failure = [this](absl::string_view directive) {
    RawClient client = Client();
    Send(client, directive, "");
    const std::string all = client.ReadToEnd();
    const size_t head = all.find("\r\n\r\n");
    return absl::StrCat(client.failure(), " ",
                        head == std::string::npos ? "" : all.substr(head + 4));
  };

  EXPECT_THAT(Answer("/sim error-after 2 503", ""),
              HasSubstr(anthropic() ? "api_error" : "server_error"));
  EXPECT_EQ(failure("/sim cut-after 2").substr(0, 5), "reset");
  EXPECT_THAT(failure("/sim truncate-after 2"), StartsWith("closed {\"id\""));
  EXPECT_THAT(failure("/sim tear-after 2"), Not(HasSubstr("}\n")));
  EXPECT_FALSE(IsJson(Answer("/sim malformed", "")));
  EXPECT_TRUE(IsJson(Answer("", "")));
  EXPECT_EQ(Answer("/sim malformed-after 1 shape", ""), "[\"broken\"]\n");
  EXPECT_THAT(Answer("/sim long-line-after 1 5000", ""),
              StartsWith(absl::StrCat("{\"padding\":\"", std::string(5000, 'x'), "\",\"id\"")));
  EXPECT_THAT(Answer("/sim drip-after 1 0", ""), HasSubstr("t1 t2 t3 t4"));
}

INSTANTIATE_TEST_SUITE_P(Formats, StreamFaultsTest, testing::Values("openai", "anthropic"),
                         [](const auto& info) { return std::string(info.param); });

}  // namespace
}  // namespace penstock::providersim
