// Images, and what a provider wants back, through a turn's whole life: admission, journal, steps,
// what is stored, and what memory-recall gets to know.

#include <gmock/gmock.h>
#include <google/protobuf/text_format.h>
#include <gtest/gtest.h>

#include "libs/tokens/raw_tokens.h"
#include "services/dispatcher/admission/expected_amount.h"
#include "services/dispatcher/dispatcher_tools_fixture.h"

namespace penstock::dispatcher {
namespace {

using chat::v1::Message;
using chat::v1::Part;
using testing::IsEmpty;
using testing::SizeIs;

// An answer that thinks, does what Penstock does not know, speaks, and calls a tool.
FakeProviderPeer::Script ThoughtAndCall() {
  FakeProviderPeer::Script script = FakeProviderPeer::Calls("Let me see.", {{"c1", "look_up"}});
  Message& message = *script.events.back().mutable_finished()->mutable_message();
  Message whole;
  whole.set_role(chat::v1::ASSISTANT);
  auto* thought = whole.add_parts()->mutable_reasoning();
  thought->set_text("hm");
  thought->mutable_state()->set_protocol("anthropic");
  thought->mutable_state()->set_data(R"({"type":"thinking","signature":"c2ln"})");
  whole.add_parts()->mutable_opaque()->set_protocol("anthropic");
  whole.mutable_parts(1)->mutable_opaque()->set_data(R"({"type":"new_block", "n":1})");
  whole.mutable_parts()->MergeFrom(message.parts());
  message = std::move(whole);
  return script;
}

Part PartWithImage() {
  Part part;
  part.mutable_image()->set_media_type("image/png");
  part.mutable_image()->set_data("\x89PNG\r\n\x1a\n bytes");
  return part;
}

class PartsTest : public ToolsTest {
 protected:
  v1::SubmitTurnRequest RequestWithImage(const std::string& text) {
    v1::SubmitTurnRequest request = Request(text);
    *request.mutable_turn()->add_input() = PartWithImage();
    return request;
  }
  // The answer whose parts the script gave.
  Message Said(const FakeProviderPeer::Script& script) {
    return script.events.back().finished().message();
  }
};

TEST_F(PartsTest, WhatAProviderWantsBackGoesIntoTheStepAndBackInTheNextCall) {
  const auto script = ThoughtAndCall();
  provider_.Next(script);
  const std::string name = Accepted(Request("where?"));
  ASSERT_TRUE(Reaches(name, Turn::AWAITING_TOOLS));

  ASSERT_TRUE(SubmitResults(name).ok());
  const Turn turn = Outcome(name);

  const std::string said = Said(script).SerializeAsString();
  ASSERT_THAT(session_.steps(name), SizeIs(1));
  EXPECT_EQ(session_.steps(name)[0].message().SerializeAsString(), said);
  ASSERT_THAT(provider_.requests(), SizeIs(2));
  EXPECT_EQ(provider_.requests()[1].messages(1).SerializeAsString(), said);
  ASSERT_THAT(turn.output(), SizeIs(3));
  EXPECT_EQ(turn.output(0).SerializeAsString(), said);
}

TEST_F(PartsTest, WhatAProviderWantsBackOutlivesTheProcess) {
  const auto script = ThoughtAndCall();
  provider_.Next(script);
  const std::string name = Accepted(Request("where?"));
  ASSERT_TRUE(Reaches(name, Turn::AWAITING_TOOLS));

  Restart();
  ASSERT_TRUE(Reaches(name, Turn::AWAITING_TOOLS));
  ASSERT_TRUE(SubmitResults(name).ok());
  Outcome(name);

  ASSERT_THAT(provider_.requests(), SizeIs(2));
  EXPECT_EQ(provider_.requests()[1].messages(1).SerializeAsString(),
            Said(script).SerializeAsString());
}

TEST_F(PartsTest, AnImageIsAcceptedStoredAndSentToTheModel) {
  const std::string name = Accepted(RequestWithImage("What is it?"));
  const Turn turn = Outcome(name);

  EXPECT_EQ(turn.state(), Turn::SUCCEEDED);
  ASSERT_THAT(session_.begins(), SizeIs(1));
  const std::string image = PartWithImage().SerializeAsString();
  EXPECT_EQ(session_.begins()[0].accepted().input(1).SerializeAsString(), image);
  ASSERT_THAT(provider_.requests(), SizeIs(1));
  const auto messages = provider_.requests()[0].messages();
  EXPECT_EQ(messages.rbegin()->parts(1).SerializeAsString(), image);
}

TEST_F(PartsTest, AnImageOutlivesTheProcessBeforeItsTurnHasRun) {
  NextHangs();
  const std::string name = Accepted(RequestWithImage("What is it?"));
  ASSERT_TRUE(Eventually([&] { return provider_.requests().size() == 1; }));

  Restart();
  Outcome(name);

  ASSERT_THAT(provider_.requests(), SizeIs(2));
  const auto messages = provider_.requests()[1].messages();
  EXPECT_EQ(messages.rbegin()->parts(1).SerializeAsString(), PartWithImage().SerializeAsString());
}

TEST_F(PartsTest, TheSameRequestWithAnotherImageIsAnotherRequest) {
  v1::SubmitTurnRequest request = RequestWithImage("What is it?");
  const std::string name = Accepted(request);
  EXPECT_EQ(Accepted(request), name);

  request.mutable_turn()->mutable_input(1)->mutable_image()->set_data("\x89PNG\r\n\x1a\n other");

  EXPECT_EQ(ReasonOf(Submit(request).status()), "REQUEST_ID_REUSED");
}

TEST_F(PartsTest, MemoryGetsTheWordsAlone) {
  const std::string name = Accepted(RequestWithImage("What is it?"));
  Outcome(name);
  ASSERT_TRUE(Eventually([&] { return memory_.ingested().size() == 1; }));

  ASSERT_THAT(memory_.last_ingest().input(), SizeIs(1));
  EXPECT_EQ(memory_.last_ingest().input(0).text().text(), "What is it?");
}

TEST_F(PartsTest, ATurnWithoutWordsLooksForNoMemories) {
  bool asked = false;
  memory_.on_recall = [&] { asked = true; };
  v1::SubmitTurnRequest request = RequestWithImage("");
  request.mutable_turn()->mutable_input()->DeleteSubrange(0, 1);

  const Turn turn = Outcome(Accepted(request));

  EXPECT_EQ(turn.state(), Turn::SUCCEEDED);
  EXPECT_FALSE(turn.recall_degraded());
  EXPECT_FALSE(asked);
}

TEST_F(PartsTest, AnImageIsExpectedToTakeItsTokens) {
  chat::v1::TurnSpec spec = Request("What is it?").turn();
  const int64_t words = EstimatedInput(spec);

  *spec.add_input() = PartWithImage();

  EXPECT_EQ(EstimatedInput(spec), words + kImageTokens);
}

TEST_F(PartsTest, WhatIsKeptForAProviderCountsAsOutput) {
  auto script = ThoughtAndCall();
  script.events.back()
      .mutable_finished()
      ->mutable_message()
      ->mutable_parts(1)
      ->mutable_opaque()
      ->set_data(std::string(1 << 20, 'x'));
  provider_.Next(script);

  const Turn turn = Outcome(Accepted(Request("where?")));

  EXPECT_EQ(turn.state(), Turn::SUCCEEDED);
  EXPECT_EQ(turn.finish_reason(), chat::v1::LENGTH);
  EXPECT_THAT(session_.steps(turn.name()), IsEmpty());
}

}  // namespace
}  // namespace penstock::dispatcher
