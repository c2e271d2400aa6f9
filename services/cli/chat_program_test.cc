// `penstock chat` as it is run.

#include <fstream>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "libs/base/refusal.h"
#include "services/cli/child_process.h"
#include "services/cli/fake_gateway.h"

namespace penstock::cli {
namespace {

using chat::v1::Turn;
using testing::ElementsAre;
using testing::HasSubstr;

class ChatProgram : public testing::Test {
 protected:
  std::unique_ptr<ChildProcess> Start(
      std::vector<std::string> arguments,
      ChildProcess::Console console = ChildProcess::Console::kPipes) {
    arguments.insert(arguments.begin(), {PENSTOCK_COMMAND, "chat"});
    return std::make_unique<ChildProcess>(
        arguments,
        std::vector<std::string>{"PENSTOCK_ADDRESS=" + gateway_->address(), "PENSTOCK_TOKEN=a.b.c",
                                 "TERM=xterm"},
        console);
  }

  void Echo() {
    gateway_->on_stream = [this](const auto& request, TurnScript& turn) {
      requests_.push_back(request);
      turn.Accept();
      turn.Say("You said: ");
      turn.Say(request.turn().input(0).text().text());
      turn.Finish(Turn::SUCCEEDED, "You said: " + request.turn().input(0).text().text());
      return absl::OkStatus();
    };
  }

  std::vector<gateway::v1::StreamTurnRequest> requests_;
  std::unique_ptr<FakeGateway> gateway_ = FakeGateway::Start();
};

TEST_F(ChatProgram, ShowsImagesWithWhatIsSaidFirst) {
  Echo();
  const std::string png = std::string("\x89PNG\r\n\x1a\n", 8) + "boat";
  const std::string file = testing::TempDir() + "penstock-chat-boat.png";
  std::ofstream(file, std::ios::binary | std::ios::trunc) << png;

  const auto chat = Start({"--session", "boat", "--image", file, "--message", "What is it?",
                           "--message", "And whose?"});

  EXPECT_EQ(chat->Wait(), 0) << chat->error();
  ASSERT_EQ(requests_.size(), 2);
  const auto& first = requests_[0].turn();
  ASSERT_EQ(first.input_size(), 2);
  EXPECT_EQ(first.input(0).text().text(), "What is it?");
  EXPECT_EQ(first.input(1).image().media_type(), "image/png");
  EXPECT_EQ(first.input(1).image().data(), png);
  EXPECT_EQ(requests_[1].turn().input_size(), 1);
}

TEST_F(ChatProgram, RefusesAFileThatIsNoImageBeforeItSaysAnything) {
  Echo();

  const auto chat = Start({"--image", "/dev/null", "--message", "What is it?"});

  EXPECT_EQ(chat->Wait(), 2);
  EXPECT_THAT(chat->error(), HasSubstr("--image: /dev/null: expected a file of type image/png"));
  EXPECT_EQ(requests_.size(), 0);
}

TEST_F(ChatProgram, PrintsTheAnswerAloneOnStandardOutput) {
  Echo();

  const auto chat = Start({"--session", "boat", "--message", "ahoi", "--no-recall", "--agent",
                           "brief", "--model", "sim/echo"});

  EXPECT_EQ(chat->Wait(), 0);
  EXPECT_EQ(chat->out(), "You said: ahoi\n");
  EXPECT_EQ(chat->error(), "");
  ASSERT_EQ(requests_.size(), 1);
  EXPECT_EQ(requests_[0].session(), "sessions/boat");
  EXPECT_EQ(requests_[0].request_id().size(), 36);
  const auto& turn = requests_[0].turn();
  EXPECT_TRUE(turn.create_session());
  EXPECT_EQ(turn.agent(), "agents/brief");
  EXPECT_EQ(turn.overrides().model(), "sim/echo");
  EXPECT_TRUE(turn.memory().has_recall() && !turn.memory().recall());
  EXPECT_FALSE(turn.memory().has_remember());
  EXPECT_EQ(gateway_->authorization(), "Bearer a.b.c");
}

TEST_F(ChatProgram, SaysEachMessageInOneNewSession) {
  Echo();

  const auto chat = Start({"--message", "one", "--message", "two"});

  EXPECT_EQ(chat->Wait(), 0);
  EXPECT_EQ(chat->out(), "You said: one\nYou said: two\n");
  EXPECT_THAT(chat->error(), HasSubstr("come back with: penstock chat --session "));
  ASSERT_EQ(requests_.size(), 2);
  EXPECT_EQ(requests_[0].session(), requests_[1].session());
  EXPECT_NE(requests_[0].request_id(), requests_[1].request_id());
}

TEST_F(ChatProgram, TakesATurnALineOfStandardInput) {
  Echo();
  const auto chat = Start({"--quiet"});

  chat->Write("one\n\n/new is no command here\nlast");
  chat->EndInput();

  EXPECT_EQ(chat->Wait(), 0);
  EXPECT_EQ(chat->out(), "You said: one\nYou said: /new is no command here\nYou said: last\n");
  EXPECT_EQ(chat->error(), "");
}

TEST_F(ChatProgram, ShowsTextBeforeTheTurnHasEnded) {
  gateway_->on_stream = [](const auto&, TurnScript& turn) {
    turn.Accept();
    turn.Say("first");
    EXPECT_TRUE(turn.AwaitCancel());
    turn.Finish(Turn::CANCELLED, "first");
    return absl::OkStatus();
  };
  const auto chat = Start({"--session", "s1", "--message", "hi"});

  chat->Await("first");
  chat->Interrupt();

  EXPECT_EQ(chat->Wait(), 130);
  EXPECT_THAT(gateway_->cancelled(), ElementsAre("sessions/s1/turns/t1"));
  EXPECT_EQ(chat->out(), "first\n");
  EXPECT_EQ(chat->error(),
            "[cancelling; Ctrl-C again leaves]\n"
            "[cancelled; what stands above is kept, but is no part of later context]\n");
}

TEST_F(ChatProgram, ASecondInterruptLeavesATurnThatDoesNotEnd) {
  gateway_->on_stream = [](const auto&, TurnScript& turn) {
    turn.Accept();
    turn.Say("first");
    turn.AwaitEnd();
    return absl::OkStatus();
  };
  const auto chat = Start({"--session", "s1", "--message", "hi"}, ChildProcess::Console::kTerminal);

  chat->Await("first");
  chat->Write("\x03");
  chat->Await("[cancelling; Ctrl-C again leaves]");
  chat->Write("\x03");

  EXPECT_EQ(chat->Wait(), 130);
  EXPECT_THAT(chat->out(), HasSubstr("[left; the turn may still run]"));
}

TEST_F(ChatProgram, ShowsThePlaceInTheQueueWhileItWaits) {
  gateway_->on_stream = [](const auto&, TurnScript& turn) {
    turn.Accept();
    turn.Queue(3, 2);
    EXPECT_TRUE(turn.AwaitCancel());
    turn.Finish(Turn::CANCELLED, "");
    return absl::OkStatus();
  };
  const auto chat = Start({"--session", "s1", "--message", "hi"}, ChildProcess::Console::kTerminal);

  chat->Await("\r\x1b[Kwaiting: place 3, about 2 s");
  chat->Write("\x03");

  EXPECT_EQ(chat->Wait(), 130);
  EXPECT_THAT(chat->out(), HasSubstr("[cancelled; nothing was kept]"));
}

TEST_F(ChatProgram, StartsOverWhenTheTurnDoes) {
  gateway_->on_stream = [](const auto&, TurnScript& turn) {
    turn.Accept();
    turn.Say("The na");
    turn.Restart();
    turn.Say("Albatross.");
    turn.Finish(Turn::SUCCEEDED, "Albatross.");
    return absl::OkStatus();
  };

  const auto chat = Start({"--session", "s1", "--message", "hi"});

  EXPECT_EQ(chat->Wait(), 0);
  EXPECT_EQ(chat->out(), "The na\n[again]\nAlbatross.\n");
}

TEST_F(ChatProgram, TakesABrokenStreamUpWhereItEnded) {
  gateway_->on_stream = [](const auto&, TurnScript& turn) {
    turn.Accept();
    turn.Say("Alba");
    return Refusal(absl::StatusCode::kUnavailable, "DRAINING", "stopping");
  };
  int64_t after = 0;
  gateway_->on_watch = [&after](const auto& request, TurnScript& turn) {
    EXPECT_EQ(request.name(), "sessions/s1/turns/t1");
    after = request.after_index();
    turn.Say("tross.");
    turn.Finish(Turn::SUCCEEDED, "Albatross.");
    return absl::OkStatus();
  };

  const auto chat = Start({"--session", "s1", "--message", "hi", "--quiet"});

  EXPECT_EQ(chat->Wait(), 0);
  EXPECT_EQ(chat->out(), "Albatross.\n");
  EXPECT_EQ(after, 2);
}

TEST_F(ChatProgram, StopsAtARefusalAndSaysWhatToDo) {
  gateway_->on_stream = [this](const auto& request, TurnScript&) -> absl::Status {
    requests_.push_back(request);
    return Refusal(absl::StatusCode::kUnauthenticated, "TOKEN_EXPIRED", "the token has expired");
  };

  const auto chat = Start({"--session", "s1", "--message", "one", "--message", "two"});

  EXPECT_EQ(chat->Wait(), 1);
  EXPECT_EQ(chat->out(), "");
  EXPECT_EQ(chat->error(),
            "penstock: the token has expired (TOKEN_EXPIRED)\n"
            "what to do: make a new token: `penstock token mint --config FILE --user USER`\n");
  EXPECT_EQ(requests_.size(), 1);
}

TEST_F(ChatProgram, TalksOnATerminal) {
  Echo();
  const auto chat = Start({"--session", "boat"}, ChildProcess::Console::kTerminal);

  chat->Await("session boat; come back with: penstock chat --session boat");
  chat->Await("you> ");
  chat->Write("ahoi\n");
  chat->Await("You said: ahoi");
  chat->Await("sim/echo · 7 tokens out");
  chat->Await("you> ");
  chat->Write("/session\n");
  chat->Await("session boat;");
  chat->Await("you> ");
  chat->Write("/dance\n");
  chat->Await("unknown command /dance");
  chat->Await("you> ");
  chat->Write("/new\n");
  chat->Await("session ");
  chat->Await("you> ");
  chat->Write(" /dance\n");
  chat->Await("You said:  /dance");
  chat->Await("you> ");
  chat->Write("\x04");

  EXPECT_EQ(chat->Wait(), 0);
  ASSERT_EQ(requests_.size(), 2);
  EXPECT_EQ(requests_[0].session(), "sessions/boat");
  EXPECT_NE(requests_[1].session(), "sessions/boat");
}

TEST_F(ChatProgram, OnATerminalACancelledAnswerIsNotTheEnd) {
  gateway_->on_stream = [](const auto&, TurnScript& turn) {
    turn.Accept();
    turn.Say("first");
    EXPECT_TRUE(turn.AwaitCancel());
    turn.Finish(Turn::CANCELLED, "first");
    return absl::OkStatus();
  };
  const auto chat = Start({"--session", "s1"}, ChildProcess::Console::kTerminal);

  chat->Await("you> ");
  chat->Write("hi\n");
  chat->Await("first");
  chat->Write("\x03");
  chat->Await("[cancelled; what stands above is kept");
  chat->Await("you> ");
  chat->Write("\x03");

  EXPECT_EQ(chat->Wait(), 130);
}

}  // namespace
}  // namespace penstock::cli
