// Answers that a bound of ours cuts, over fake peers and a journal in memory.

#include "services/dispatcher/dispatcher_fixture.h"

#include "absl/strings/str_cat.h"

namespace penstock::dispatcher {
namespace {

class ContinuedTest : public DispatcherCoreTest {
 protected:
  // An agent whose answers have 10 tokens, known from a thousand of them; 100 are allowed.
  void SetUp() override {
    config_.mutable_agents(0)->clear_tools();
    config_.mutable_agents(0)->set_auto_max_tokens(true);
    Restart();
    for (int i = 0; i < 1000; ++i) {
      ASSERT_EQ(Outcome(Accepted(Request("x", absl::StrCat("s", i % 50)))).state(),
                Turn::SUCCEEDED);
    }
    known_ = provider_.requests().size();
  }

  static FakeProviderPeer::Script Answer(const std::string& text, chat::v1::FinishReason reason,
                                         int64_t output_tokens) {
    FakeProviderPeer::Script script = FakeProviderPeer::Answer(text);
    auto* finished = script.events.back().mutable_finished();
    finished->set_finish_reason(reason);
    finished->mutable_usage()->set_output_tokens(output_tokens);
    return script;
  }
  // Those since SetUp.
  std::vector<provider::v1::GenerateRequest> Requests() const {
    auto requests = provider_.requests();
    requests.erase(requests.begin(), requests.begin() + static_cast<std::ptrdiff_t>(known_));
    return requests;
  }

  size_t known_ = 0;
};

TEST_F(ContinuedTest, TheCallerSeesOneAnswer) {
  provider_.Next(Answer("Once upon ", chat::v1::LENGTH, 12));
  provider_.Next(Answer("a time.", chat::v1::STOP, 4));
  const std::string name = Accepted(Request("x"));

  const auto events = Watch(name);

  const Turn& turn = events.back().finished().turn();
  EXPECT_EQ(turn.finish_reason(), chat::v1::STOP);
  ASSERT_EQ(turn.output_size(), 1);
  ASSERT_EQ(turn.output(0).parts_size(), 1);
  EXPECT_EQ(turn.output(0).parts(0).text().text(), "Once upon a time.");
  EXPECT_EQ(turn.usage().output_tokens(), 16);
  EXPECT_EQ(turn.usage().input_tokens(), 200);
  std::string told;
  for (const TurnEvent& event : events) {
    if (!event.has_delta()) continue;
    EXPECT_EQ(event.delta().part(), 0);
    EXPECT_EQ(event.delta().step(), 0);
    told += event.delta().text();
  }
  EXPECT_EQ(told, "Once upon a time.");
  const auto requests = Requests();
  ASSERT_EQ(requests.size(), 2u);
  EXPECT_EQ(requests[0].generation().max_output_tokens(), 12);
  EXPECT_EQ(requests[1].generation().max_output_tokens(), 88);
  EXPECT_EQ(requests[1].attempt(), 1) << "no attempt";
  const auto& last = *requests[1].messages().rbegin();
  EXPECT_EQ(last.role(), chat::v1::ASSISTANT);
  EXPECT_EQ(last.parts(0).text().text(), "Once upon ");
}

TEST_F(ContinuedTest, TheCallersOwnBoundStaysItsOwn) {
  provider_.Next(Answer("Once upon ", chat::v1::LENGTH, 5));
  auto request = Request("x");
  config_.mutable_agents(0)->mutable_generation()->set_max_output_tokens(5);

  EXPECT_EQ(Outcome(Accepted(request)).finish_reason(), chat::v1::LENGTH);
  EXPECT_EQ(Requests().size(), 1u);
}

TEST_F(ContinuedTest, AContinuationThatFailsIsMadeAgainAndNoOtherModelTakesOver) {
  auto* other = config_.add_models();
  *other = config_.models(0);
  other->set_name("other/echo");
  config_.mutable_models(0)->add_fallbacks()->set_model("other/echo");
  provider_.Next(Answer("Once upon ", chat::v1::LENGTH, 12));
  provider_.Next({.events = {FakeProviderPeer::Failure(chat::v1::PROVIDER_OVERLOADED)}, .end = {}});
  provider_.Next({.events = {FakeProviderPeer::Failure(chat::v1::PROVIDER_QUOTA)}, .end = {}});

  const Turn turn = Outcome(Accepted(Request("x")));

  EXPECT_EQ(turn.state(), Turn::FAILED);
  EXPECT_EQ(ReasonOf(FromRpcStatus(turn.error())), "PROVIDER_QUOTA");
  EXPECT_TRUE(turn.output_partial());
  EXPECT_EQ(turn.output(0).parts(0).text().text(), "Once upon ");
  EXPECT_EQ(Requests().size(), 3u);
}

TEST_F(ContinuedTest, AModelThatRefusesAPrefillIsAskedInWordsOnceAndNotCutAgain) {
  provider_.Next(Answer("Once upon ", chat::v1::LENGTH, 12));
  provider_.Next({.events = {FakeProviderPeer::Failure(chat::v1::INVALID_REQUEST)}, .end = {}});
  provider_.Next(Answer("a time.", chat::v1::STOP, 4));

  const Turn turn = Outcome(Accepted(Request("x")));
  Outcome(Accepted(Request("y")));

  EXPECT_EQ(turn.state(), Turn::SUCCEEDED);
  EXPECT_EQ(turn.output(0).parts(0).text().text(), "Once upon a time.");
  const auto requests = Requests();
  ASSERT_EQ(requests.size(), 4u);
  EXPECT_EQ(requests[1].messages().rbegin()->role(), chat::v1::ASSISTANT);
  const auto& asked = requests[2].messages();
  EXPECT_EQ(asked.rbegin()->role(), chat::v1::USER);
  EXPECT_THAT(asked.rbegin()->parts(0).text().text(), testing::HasSubstr("where you left off"));
  EXPECT_EQ(asked[asked.size() - 2].parts(0).text().text(), "Once upon ");
  EXPECT_EQ(requests[3].generation().max_output_tokens(), 100) << "bounded again";
}

TEST_F(ContinuedTest, AContinuationThatIsRefusedInWordsTooEndsTheTurn) {
  provider_.Next(Answer("Once upon ", chat::v1::LENGTH, 12));
  for (int i = 0; i < 2; ++i) {
    provider_.Next({.events = {FakeProviderPeer::Failure(chat::v1::INVALID_REQUEST)}, .end = {}});
  }

  const Turn turn = Outcome(Accepted(Request("x")));

  EXPECT_EQ(turn.state(), Turn::FAILED);
  EXPECT_TRUE(turn.output_partial());
  EXPECT_EQ(Requests().size(), 3u);
}

TEST_F(ContinuedTest, OfAModelThatIsKnownToRefuseAPrefillNothingIsCut) {
  config_.mutable_models(0)->add_refuses("prefill");

  Outcome(Accepted(Request("x")));

  EXPECT_EQ(Requests()[0].generation().max_output_tokens(), 100);
}

TEST_F(ContinuedTest, WithToolsNothingIsCut) {
  config_.mutable_agents(0)->add_tools()->set_name("look_up");

  Outcome(Accepted(Request("x")));

  EXPECT_EQ(Requests()[0].generation().max_output_tokens(), 100);
}

}  // namespace
}  // namespace penstock::dispatcher
