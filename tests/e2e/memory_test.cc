// Memory is real: a later session answers from an earlier one, because the simulator was told what
// the user had said, in the notes of the newest message and nowhere else.

#include <string>
#include <thread>
#include <utility>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/harness/mesh.h"

#include "absl/strings/str_cat.h"
#include "absl/time/clock.h"

namespace penstock::harness {
namespace {

using gateway::v1::Memories;
using gateway::v1::Turns;
using testing::HasSubstr;
using testing::Not;

constexpr char kSaid[] = "My dog is called Rex.";
constexpr char kAsked[] = "What is my dog called?";

bool Failed() { return testing::Test::HasFailure(); }

class MemoryTest : public testing::TestWithParam<Shape> {
 protected:
  void SetUp() override {
    auto mesh = Mesh::Start({.shape = GetParam(), .failed = Failed});
    ASSERT_TRUE(mesh.ok()) << mesh.status();
    mesh_ = *std::move(mesh);
    caller_ = mesh_->NewCaller({.user = "u"});
  }

  // Runs a turn in a session of its own.
  chat::v1::Turn Say(const std::string& text, bool recall = true) const {
    gateway::v1::RunTurnRequest request;
    request.mutable_turn()->add_input()->mutable_text()->set_text(text);
    request.mutable_turn()->mutable_memory()->set_recall(recall);
    const auto turn = caller_->Call(caller_->turns(), &Turns::Stub::RunTurn, request);
    EXPECT_TRUE(turn.ok()) << turn.status();
    return turn.value_or(chat::v1::Turn());
  }

  // Turns are remembered after they have ended.
  void AwaitMemories(int count) const {
    const absl::Time give_up = absl::Now() + absl::Seconds(20);
    while (absl::Now() < give_up) {
      const auto page = caller_->Call(caller_->memories(), &Memories::Stub::ListMemories,
                                      gateway::v1::ListMemoriesRequest());
      ASSERT_TRUE(page.ok()) << page.status();
      if (page->memories_size() >= count) return;
      std::this_thread::sleep_for(std::chrono::milliseconds(10));
    }
    FAIL() << "no " << count << " memories after 20 s";
  }

  ProviderRequest LastRequest() const {
    const auto requests = mesh_->simulator().Requests();
    EXPECT_TRUE(requests.ok()) << requests.status();
    return requests->back();
  }

  std::unique_ptr<Mesh> mesh_;
  std::unique_ptr<Caller> caller_;
};

TEST_P(MemoryTest, ALaterSessionAnswersFromAnEarlierOne) {
  const chat::v1::Turn said = Say(kSaid);
  ASSERT_EQ(said.state(), chat::v1::Turn::SUCCEEDED);
  AwaitMemories(1);

  const chat::v1::Turn answered = Say(kAsked);

  EXPECT_EQ(OutputText(answered), absl::StrCat("You told me: ", kSaid));
  EXPECT_EQ(answered.recalled_memories_size(), 1);
  const ProviderRequest request = LastRequest();
  ASSERT_FALSE(request.messages.empty());
  const PromptMessage newest = request.messages.back();
  const SplitNotes split = Split(newest.text);
  EXPECT_EQ(newest.role, "user");
  EXPECT_THAT(split.notes, HasSubstr(kSaid));
  EXPECT_THAT(split.rest, HasSubstr(kAsked));
  EXPECT_THAT(split.rest, Not(HasSubstr("Rex")));
  EXPECT_EQ(request.body.find("Rex"), request.body.rfind("Rex")) << request.body;
}

TEST_P(MemoryTest, WithRecallOffItDoesNotKnow) {
  Say(kSaid);
  AwaitMemories(1);

  const chat::v1::Turn answered = Say(kAsked, /*recall=*/false);

  EXPECT_EQ(OutputText(answered), "I do not know.");
  EXPECT_THAT(LastRequest().body, Not(HasSubstr("Rex")));
}

INSTANTIATE_TEST_SUITE_P(, MemoryTest, testing::Values(Shape::kStandalone, Shape::kFiveProcesses),
                         [](const auto& shape) { return std::string(NameOf(shape.param)); });

}  // namespace
}  // namespace penstock::harness
