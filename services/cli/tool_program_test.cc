#include "services/cli/tool_program.h"

#include <csignal>

#include <gtest/gtest.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include "libs/base/clock.h"

namespace penstock::cli {
namespace {

class ToolProgram : public testing::Test {
 protected:
  ToolProgram() { std::signal(SIGPIPE, SIG_IGN); }
  ~ToolProgram() override { close(stop_); }

  ToolOutcome Run(const std::string& command, absl::string_view input = "",
                  absl::Duration patience = absl::Seconds(20)) {
    return RunToolProgram(command, input, patience, stop_);
  }

  int stop_ = eventfd(0, EFD_CLOEXEC);
};

TEST_F(ToolProgram, GetsItsArgumentsAndGivesItsOutput) {
  const ToolOutcome outcome = Run("cat; echo; echo done", R"({"zone":"CET"})");

  EXPECT_FALSE(outcome.failed);
  EXPECT_EQ(outcome.content, "{\"zone\":\"CET\"}\ndone");
}

TEST_F(ToolProgram, NeedNotReadItsArguments) {
  const ToolOutcome outcome = Run("exec 0<&-; echo hello", std::string(300'000, 'x'));

  EXPECT_FALSE(outcome.failed) << outcome.content;
  EXPECT_EQ(outcome.content, "hello");
}

TEST_F(ToolProgram, TakesMoreThanAPipeHolds) {
  const std::string input(200'000, 'x');

  EXPECT_EQ(Run("cat", input).content, input);
}

TEST_F(ToolProgram, FailsWithItsExitCode) {
  EXPECT_TRUE(Run("exit 3").failed);
  EXPECT_EQ(Run("exit 3").content, "exit code 3");
  EXPECT_EQ(Run("echo no such zone; exit 3").content, "no such zone");
  EXPECT_EQ(Run("kill -9 $$").content, "ended by signal 9");
}

TEST_F(ToolProgram, FailsWhenItTakesTooLong) {
  const ToolOutcome outcome = Run("sleep 60", "", absl::Milliseconds(20));

  EXPECT_TRUE(outcome.failed);
  EXPECT_EQ(outcome.content, "the tool took longer than 20 ms");
}

TEST_F(ToolProgram, FailsWithOutputThatCannotBeAResult) {
  EXPECT_EQ(Run("yes").content, "the tool printed more than 262144 bytes");
  EXPECT_EQ(Run("printf '\\377'").content, "the tool printed what is no UTF-8");
}

TEST_F(ToolProgram, DoesNotWaitForWhatItLeavesBehind) {
  EXPECT_EQ(Run("sleep 60 & echo started").content, "started");
}

TEST_F(ToolProgram, EndsWhenItIsStopped) {
  const uint64_t one = 1;
  ASSERT_EQ(write(stop_, &one, sizeof(one)), 8);

  EXPECT_TRUE(Run("sleep 60").stopped);
}

}  // namespace
}  // namespace penstock::cli
