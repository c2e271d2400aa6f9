// The answers of testdata/ through a whole call, however the bytes arrive.
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include <boost/asio/io_context.hpp>
#include <gmock/gmock.h>
#include <google/protobuf/text_format.h>
#include <google/protobuf/util/message_differencer.h>
#include <gtest/gtest.h>

#include "libs/async/fake_timers.h"
#include "libs/async/inline_executor.h"
#include "libs/base/fake_clock.h"
#include "services/provider_adapter/answer_case_fixture.h"
#include "services/provider_adapter/generate_fixture.h"

#include "absl/strings/str_cat.h"

namespace penstock::provider_adapter {
namespace {

using google::protobuf::util::MessageDifferencer;
using provider::v1::GenerateEvent;

constexpr char kProviders[] = R"pb(
  turn {
    max_duration { seconds: 600 }
    max_output_bytes: 65536
  }
  stream {
    delta_interval { nanos: 25000000 }
    delta_bytes: 256
  }
  providers { name: "openai" protocol: "openai" base_url: "https://sim/v1" max_streams: 1 }
  providers { name: "anthropic" protocol: "anthropic" base_url: "https://sim/v1" max_streams: 1 }
  models { name: "openai/m" }
  models { name: "anthropic/m" }
)pb";

config::v1::Config Providers() {
  config::v1::Config config;
  EXPECT_TRUE(google::protobuf::TextFormat::ParseFromString(kProviders, &config));
  return config;
}

// What a caller saw: "0 TEXT Hello" of each part, and the last event.
struct Outcome {
  std::vector<std::string> told;
  GenerateEvent end;
};

std::vector<std::string> ToldIn(const std::vector<GenerateEvent>& events) {
  std::map<std::pair<int, chat::v1::Delta::Kind>, std::string> texts;
  for (const GenerateEvent& event : events) {
    if (event.has_delta())
      texts[{event.delta().part(), event.delta().kind()}] += event.delta().text();
  }
  std::vector<std::string> told;
  for (const auto& [key, text] : texts) {
    told.push_back(absl::StrCat(key.first, " ", chat::v1::Delta::Kind_Name(key.second), " ", text));
  }
  return told;
}

// What must have been told for this message.
std::vector<std::string> ToldOf(const chat::v1::Message& message) {
  std::vector<std::string> told;
  for (int i = 0; i < message.parts_size(); ++i) {
    const chat::v1::Part& part = message.parts(i);
    std::string line;
    if (part.has_text()) line = absl::StrCat(i, " TEXT ", part.text().text());
    if (part.has_refusal()) line = absl::StrCat(i, " REFUSAL ", part.refusal().text());
    if (!part.reasoning().text().empty()) {
      line = absl::StrCat(i, " REASONING ", part.reasoning().text());
    }
    if (part.has_tool_call()) {
      line = absl::StrCat(i, " TOOL_ARGUMENTS ", part.tool_call().arguments());
    }
    if (!line.empty()) told.push_back(std::move(line));
  }
  return told;
}

class AnswerCorpusTest : public testing::TestWithParam<const char*> {
 protected:
  Outcome Play(const AnswerCase& answer, const std::vector<absl::string_view>& pieces, bool reset) {
    provider::v1::GenerateRequest request = Request();
    request.set_model(absl::StrCat(GetParam(), "/m"));
    request.mutable_generation()->set_max_output_tokens(1000);
    if (answer.offers_tools) {
      request.add_tools()->set_name("get_weather");
      request.add_tools()->set_name("get_time");
    }
    FakeSink sink;
    std::optional<absl::Status> result;
    Spawn(executor_, RunCall(*generator_, request, sink, {}, result));
    Send(answer, pieces, reset);
    client_.calls.clear();
    EXPECT_EQ(result, absl::OkStatus()) << answer.name;
    if (sink.events.empty()) {
      ADD_FAILURE() << answer.name << ": nothing was told";
      return {};
    }
    return {.told = ToldIn(sink.events), .end = sink.events.back()};
  }

  Outcome PlayWhole(const AnswerCase& answer) { return Play(answer, {answer.body}, answer.reset); }

  std::vector<AnswerCase> cases_ = ReadCases(GetParam());

 private:
  void Send(const AnswerCase& answer, const std::vector<absl::string_view>& pieces, bool reset) {
    http::HttpHeaders headers;
    for (const std::string& line : answer.headers) headers.Append(absl::StrCat(line, "\r\n"));
    const auto observer = client_.calls.back().observer;
    observer->OnHeaders(answer.status, headers);
    for (const absl::string_view piece : pieces) {
      if (observer->OnBody(piece) != http::Flow::kMore) break;
    }
    using Kind = http::HttpOutcome::Kind;
    observer->OnDone({.kind = reset ? Kind::kReset : Kind::kOk, .not_sent = false, .message = ""});
  }

  boost::asio::io_context io_;
  Executor executor_ = InlineExecutor(io_);
  FakeClock clock_{absl::FromUnixSeconds(1'800'000'000)};
  FakeTimers timers_{clock_};
  FakeHttpClient client_;
  obs::Metrics metrics_;
  std::unique_ptr<Generator> generator_ =
      *Generator::Create(Providers(), Environment, client_, timers_, clock_, metrics_);
};

TEST_P(AnswerCorpusTest, NameTheirSourceAndDate) {
  EXPECT_GE(cases_.size(), 90u);
  for (const AnswerCase& answer : cases_) {
    EXPECT_FALSE(answer.source.empty()) << answer.name;
    EXPECT_THAT(answer.date, testing::MatchesRegex("20..-[01].-[0-3].")) << answer.name;
    EXPECT_GT(answer.status, 0) << answer.name;
  }
}

TEST_P(AnswerCorpusTest, BecomeWhatIsExpected) {
  for (const AnswerCase& answer : cases_) {
    Outcome outcome = PlayWhole(answer);

    if (outcome.end.has_failed()) {
      EXPECT_THAT(outcome.end.failed().message(), testing::StartsWith(GetParam())) << answer.name;
      outcome.end.mutable_failed()->clear_message();
      EXPECT_EQ(outcome.told, answer.told) << answer.name;
    }
    MessageDifferencer differencer;
    std::string difference;
    differencer.ReportDifferencesToString(&difference);
    EXPECT_TRUE(differencer.Compare(answer.expected, outcome.end))
        << answer.name << "\n"
        << difference << outcome.end.DebugString();
  }
}

TEST_P(AnswerCorpusTest, AreToldAsTheyAreKept) {
  for (const AnswerCase& answer : cases_) {
    const Outcome outcome = PlayWhole(answer);

    if (!outcome.end.has_finished()) continue;
    if (outcome.end.finished().finish_reason() == chat::v1::LENGTH) continue;  // calls are dropped
    EXPECT_EQ(outcome.told, ToldOf(outcome.end.finished().message())) << answer.name;
  }
}

TEST_P(AnswerCorpusTest, AreTheSameWhereverTheyAreCut) {
  for (const AnswerCase& answer : cases_) {
    const Outcome whole = PlayWhole(answer);
    const absl::string_view body = answer.body;
    for (size_t cut = 1; cut < body.size(); ++cut) {
      const Outcome outcome = Play(answer, {body.substr(0, cut), body.substr(cut)}, answer.reset);
      ASSERT_EQ(outcome.told, whole.told) << answer.name << " cut at " << cut;
      ASSERT_TRUE(MessageDifferencer::Equals(outcome.end, whole.end))
          << answer.name << " cut at " << cut << "\n"
          << outcome.end.DebugString();
    }
  }
}

TEST_P(AnswerCorpusTest, AreTheSameByteByByte) {
  for (const AnswerCase& answer : cases_) {
    const Outcome whole = PlayWhole(answer);
    std::vector<absl::string_view> bytes;
    for (size_t i = 0; i < answer.body.size(); ++i) {
      bytes.push_back(absl::string_view(answer.body).substr(i, 1));
    }
    const Outcome outcome = Play(answer, bytes, answer.reset);
    EXPECT_EQ(outcome.told, whole.told) << answer.name;
    EXPECT_TRUE(MessageDifferencer::Equals(outcome.end, whole.end)) << answer.name << "\n"
                                                                    << outcome.end.DebugString();
  }
}

// An end that was sent in time may stand; half of a message, or a call, never does.
TEST_P(AnswerCorpusTest, ThatBreakOffAreWholeOrFail) {
  for (const AnswerCase& answer : cases_) {
    const Outcome whole = PlayWhole(answer);
    if (!whole.end.has_finished()) continue;
    const absl::string_view body = answer.body;
    for (size_t end = 0; end < body.size(); ++end) {
      const Outcome outcome = Play(answer, {body.substr(0, end)}, true);
      if (!outcome.end.has_finished()) continue;
      ASSERT_TRUE(MessageDifferencer::Equals(outcome.end.finished().message(),
                                             whole.end.finished().message()))
          << answer.name << " broken off at " << end << "\n"
          << outcome.end.DebugString();
      ASSERT_EQ(outcome.end.finished().finish_reason(), whole.end.finished().finish_reason());
    }
  }
}

INSTANTIATE_TEST_SUITE_P(Protocols, AnswerCorpusTest, testing::Values("openai", "anthropic"),
                         [](const auto& info) { return std::string(info.param); });

}  // namespace
}  // namespace penstock::provider_adapter
