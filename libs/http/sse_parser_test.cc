#include "libs/http/sse_parser.h"

#include <string>
#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <rapidcheck.h>

#include "absl/strings/str_cat.h"

namespace penstock::http {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;

// Each event as "type|data|id".
std::vector<std::string> Parse(const std::vector<std::string>& pieces) {
  SseParser parser;
  std::vector<std::string> events;
  for (const std::string& piece : pieces) {
    EXPECT_TRUE(parser
                    .Feed(piece,
                          [&](const SseEvent& event) {
                            events.push_back(
                                absl::StrCat(event.type, "|", event.data, "|", event.id));
                            return true;
                          })
                    .ok());
  }
  return events;
}

TEST(SseParser, EndsLinesWithLfCrAndCrLf) {
  EXPECT_THAT(Parse({"data: a\n\ndata: b\r\rdata: c\r\n\r\n"}),
              ElementsAre("message|a|", "message|b|", "message|c|"));
}

TEST(SseParser, DoesNotTakeASplitCrLfForTwoLineEnds) {
  EXPECT_THAT(Parse({"data: a\r", "\ndata: b\r", "\n\r", "\n"}), ElementsAre("message|a\nb|"));
}

TEST(SseParser, TellsAnEventWithoutWaitingForTheLfOfACrLf) {
  EXPECT_THAT(Parse({"data: a\r\n\r"}), ElementsAre("message|a|"));
}

TEST(SseParser, JoinsDataLines) {
  EXPECT_THAT(Parse({"data: a\ndata:\ndata:  b\n\n"}), ElementsAre("message|a\n\n b|"));
}

TEST(SseParser, SkipsAByteOrderMarkOnlyAtTheStart) {
  EXPECT_THAT(Parse({"\xEF", "\xBB\xBF", "data: a\n\n\xEF\xBB\xBF", "data: b\n\ndata: c\n\n"}),
              ElementsAre("message|a|", "message|c|"));
}

TEST(SseParser, SkipsCommentsAndUnknownFields) {
  EXPECT_THAT(Parse({": ping\n\ncolour: red\ndata: a\n:\n\n"}), ElementsAre("message|a|"));
}

TEST(SseParser, TellsEmptyDataButNoEventWithoutData) {
  EXPECT_THAT(Parse({"event: x\n\ndata\n\ndata:\n\n"}), ElementsAre("message||", "message||"));
}

TEST(SseParser, TypeHoldsForOneEventAndIdUntilTheNext) {
  EXPECT_THAT(Parse({"event: x\nid: 7\ndata: a\n\ndata: b\n\nid\ndata: c\n\n"}),
              ElementsAre("x|a|7", "message|b|7", "message|c|"));
}

TEST(SseParser, IgnoresAnIdWithANul) {
  EXPECT_THAT(Parse({std::string("id: 1\nid: a\0b\ndata: a\n\n", 23)}), ElementsAre("message|a|1"));
}

TEST(SseParser, DropsAnEventThatIsNotClosed) {
  EXPECT_THAT(Parse({"data: a\n\ndata: b\n"}), ElementsAre("message|a|"));
}

TEST(SseParser, RemembersRetry) {
  SseParser parser;

  ASSERT_TRUE(
      parser.Feed("retry: 250\nretry: 1x\nretry: -1\n", [](const SseEvent&) { return true; }).ok());

  EXPECT_EQ(parser.retry_ms(), 250);
}

TEST(SseParser, StopsWhenTheReaderHasEnough) {
  SseParser parser;
  int events = 0;

  ASSERT_TRUE(parser
                  .Feed("data: a\n\ndata: b\n\n",
                        [&](const SseEvent&) {
                          ++events;
                          return false;
                        })
                  .ok());

  EXPECT_EQ(events, 1);
}

TEST(SseParser, RefusesALineAndAnEventOverTheLimit) {
  const auto ignore = [](const SseEvent&) { return true; };
  SseParser open_line(16);
  SseParser whole_line(16);
  SseParser lines(16);

  EXPECT_THAT(std::string(open_line.Feed("data: 0123456789a", ignore).message()),
              HasSubstr("one line is longer than 16 bytes"));
  EXPECT_FALSE(whole_line.Feed("data: 0123456789a\n", ignore).ok());
  EXPECT_THAT(std::string(lines.Feed("data: 01234567\ndata: 01234567\n", ignore).message()),
              HasSubstr("one event is longer than 16 bytes"));
}

TEST(SseParser, TakesALineOfAMebibyte) {
  SseParser parser;
  size_t size = 0;
  const std::string data(SseParser::kMaxBytes - 6, 'x');

  ASSERT_TRUE(parser
                  .Feed(absl::StrCat("data: ", data, "\n\n"),
                        [&](const SseEvent& event) {
                          size = event.data.size();
                          return true;
                        })
                  .ok());

  EXPECT_EQ(size, data.size());
}

TEST(SseParser, AnySplitOfTheInputGivesTheSameEvents) {
  const auto word = rc::gen::element<std::string>(
      "data", "data:", "data: ", "event: t", "id: 3", "retry: 5", ":", "\n", "\r", "\r\n", "\n\n",
      "\xEF\xBB\xBF", "x", "é", " ", "data: {\"a\":1}\n\n");
  EXPECT_TRUE(rc::check("split", [&] {
    const auto words = *rc::gen::container<std::vector<std::string>>(word);
    std::string input;
    for (const std::string& w : words) input += w;
    std::vector<std::string> pieces;
    for (size_t at = 0; at < input.size();) {
      const auto size = *rc::gen::inRange<size_t>(1, input.size() - at + 1);
      pieces.push_back(input.substr(at, size));
      at += size;
    }

    RC_ASSERT(Parse(pieces) == Parse({input}));
  }));
}

}  // namespace
}  // namespace penstock::http
