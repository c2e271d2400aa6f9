// Streaming is real: the simulator sends token n+1 only after the caller has told it, past
// Penstock, that token n has arrived. A token that is held back anywhere holds up the stream for
// ever.

#include <string>
#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/harness/mesh.h"

#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "absl/strings/str_split.h"

namespace penstock::harness {
namespace {

constexpr int kTokens = 20;

bool Failed() { return testing::Test::HasFailure(); }

int WordsIn(const std::string& text) {
  return static_cast<int>(
      std::vector<std::string>(absl::StrSplit(text, ' ', absl::SkipEmpty())).size());
}

gateway::v1::StreamTurnRequest Ask(const std::string& text) {
  gateway::v1::StreamTurnRequest request;
  request.set_request_id("ask");
  request.mutable_turn()->add_input()->mutable_text()->set_text(text);
  return request;
}

// What came of one gated turn.
struct Streamed {
  std::vector<std::string> deltas;
  chat::v1::Turn turn;
};

Streamed StreamThroughGate(Mesh& mesh) {
  Streamed streamed;
  std::string text;
  const auto acknowledge = [&](const chat::v1::TurnEvent& event) {
    if (event.has_finished()) streamed.turn = event.finished().turn();
    if (!event.has_delta()) return true;
    text += event.delta().text();
    streamed.deltas.push_back(event.delta().text());
    EXPECT_TRUE(mesh.simulator().Acknowledge("gate", WordsIn(text)).ok());
    return true;
  };
  const absl::Status status =
      mesh.NewCaller({.user = "u"})
          ->StreamTurn(Ask(absl::StrCat("/sim tokens ", kTokens, "\n/sim gate gate")), acknowledge,
                       absl::Seconds(30));
  EXPECT_TRUE(status.ok()) << status << " after: " << text;
  return streamed;
}

void ExpectOneDeltaAToken(const Streamed& streamed) {
  EXPECT_EQ(streamed.deltas.size(), kTokens);
  const std::string text = absl::StrJoin(streamed.deltas, "");
  EXPECT_EQ(WordsIn(text), kTokens) << text;
  EXPECT_EQ(streamed.turn.state(), chat::v1::Turn::SUCCEEDED);
  EXPECT_EQ(OutputText(streamed.turn), text);
  EXPECT_EQ(streamed.turn.usage().output_tokens(), kTokens);
}

class StreamingTest : public testing::TestWithParam<Shape> {};

TEST_P(StreamingTest, EveryTokenPassesBeforeTheNextIsMade) {
  const auto mesh = Mesh::Start({.shape = GetParam(), .failed = Failed});
  ASSERT_TRUE(mesh.ok()) << mesh.status();

  ExpectOneDeltaAToken(StreamThroughGate(**mesh));

  const absl::Status stopped = (*mesh)->Stop();
  EXPECT_TRUE(stopped.ok()) << stopped;
}

INSTANTIATE_TEST_SUITE_P(, StreamingTest,
                         testing::Values(Shape::kStandalone, Shape::kFiveProcesses),
                         [](const auto& shape) { return std::string(NameOf(shape.param)); });

TEST(StreamingOverTcpTest, EveryTokenPassesBeforeTheNextIsMade) {
  const auto mesh = Mesh::Start({.shape = Shape::kFiveProcesses, .tcp = true, .failed = Failed});
  ASSERT_TRUE(mesh.ok()) << mesh.status();

  ExpectOneDeltaAToken(StreamThroughGate(**mesh));
}

}  // namespace
}  // namespace penstock::harness
