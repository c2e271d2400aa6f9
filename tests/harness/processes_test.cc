#include "tests/harness/processes.h"

#include <csignal>
#include <cstdlib>
#include <filesystem>
#include <thread>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace penstock::harness {
namespace {

using testing::HasSubstr;

class ProcessesTest : public testing::Test {
 protected:
  ProcessesTest() {
    std::string pattern = testing::TempDir() + "/processes-XXXXXX";
    folder_ = mkdtemp(pattern.data());
  }
  ~ProcessesTest() override { std::filesystem::remove_all(folder_); }

  static Program Shell(const std::string& name, const std::string& script) {
    return {
        .name = name, .binary = "/bin/sh", .arguments = {"-c", script}, .ready_prefix = "ready"};
  }

  std::string folder_;
};

constexpr char kServer[] = "echo starting; echo ready at last; exec sleep 1000";

TEST_F(ProcessesTest, AnswersTheReadyLine) {
  Processes processes(folder_);

  EXPECT_EQ(*processes.Start(Shell("server", kServer)), "ready at last");

  EXPECT_GT(processes.pid("server"), 0);
  EXPECT_TRUE(processes.CheckRunning().ok());
}

TEST_F(ProcessesTest, SaysHowAProgramEndedThatNeverBecameReady) {
  Processes processes(folder_);

  const auto ready = processes.Start(Shell("server", "echo no space left >&2; exit 3"));

  EXPECT_THAT(ready.status().ToString(), HasSubstr("server ended with exit code 3"));
  EXPECT_THAT(ready.status().ToString(), HasSubstr("no space left"));
}

TEST_F(ProcessesTest, AProgramThatIsMeantToEndByItselfIsAwaited) {
  Processes processes(folder_);
  const std::string script = "echo ready; test -n \"$DIES\" && kill -9 $$; exec sleep 1000";
  ASSERT_TRUE(processes.Start(Shell("server", script)).ok());
  EXPECT_TRUE(
      absl::IsDeadlineExceeded(processes.AwaitEnding("server", absl::Milliseconds(1)).status()));
  ASSERT_TRUE(processes.Kill("server").ok());
  processes.Restart("server", {"DIES=yes"}).status().IgnoreError();

  const auto ending = processes.AwaitEnding("server", absl::Seconds(60));

  ASSERT_TRUE(ending.ok()) << ending.status();
  EXPECT_EQ(ending->signal, SIGKILL);
  EXPECT_TRUE(processes.CheckRunning().ok());
}

TEST_F(ProcessesTest, SaysWhichProgramCannotBeStarted) {
  Processes processes(folder_);

  const auto ready = processes.Start({.name = "server", .binary = "/nowhere/server"});

  EXPECT_EQ(ready.status().code(), absl::StatusCode::kNotFound);
  EXPECT_THAT(ready.status().ToString(), HasSubstr("cannot start /nowhere/server"));
}

TEST_F(ProcessesTest, KillsAProgramThatIsNotReadyInTime) {
  Processes processes(folder_);
  Program slow = Shell("server", "exec sleep 1000");
  slow.start_timeout = absl::Milliseconds(20);

  EXPECT_EQ(processes.Start(slow).status().code(), absl::StatusCode::kDeadlineExceeded);

  EXPECT_EQ(processes.pid("server"), 0);
}

TEST_F(ProcessesTest, KillsAndStartsAgainWithTheSameCommand) {
  Processes processes(folder_);
  ASSERT_TRUE(processes.Start(Shell("server", kServer)).ok());
  const pid_t first = processes.pid("server");

  ASSERT_TRUE(processes.Kill("server").ok());
  EXPECT_NE(kill(first, 0), 0) << "not reaped";
  EXPECT_EQ(*processes.Restart("server"), "ready at last");

  EXPECT_NE(processes.pid("server"), first);
  EXPECT_EQ(processes.Restart("server").status().code(), absl::StatusCode::kFailedPrecondition);
}

TEST_F(ProcessesTest, AProgramOutlivesTheThreadThatStartedIt) {
  Processes processes(folder_);

  std::thread([&] { ASSERT_TRUE(processes.Start(Shell("server", kServer)).ok()); }).join();

  EXPECT_EQ(processes.Terminate("server")->ToString(), "SIGTERM");
}

TEST_F(ProcessesTest, ReportsWhoEndedByItselfAndNotWhomWeKilled) {
  Processes processes(folder_);
  ASSERT_TRUE(processes.Start(Shell("killed", kServer)).ok());
  ASSERT_TRUE(processes.Start(Shell("crashed", "echo ready; echo assertion; kill -ABRT $$")).ok());
  ASSERT_TRUE(processes.Kill("killed").ok());

  absl::Status status;
  while ((status = processes.CheckRunning()).ok()) std::this_thread::yield();

  EXPECT_THAT(status.ToString(), HasSubstr("crashed ended by itself with SIGABRT"));
  EXPECT_THAT(status.ToString(), HasSubstr("assertion"));
  EXPECT_THAT(status.ToString(), testing::Not(HasSubstr("killed")));
}

TEST_F(ProcessesTest, StopsAllAndNamesWhoDidNotEndWell) {
  Processes processes(folder_);
  ASSERT_TRUE(
      processes.Start(Shell("good", "trap 'exit 0' TERM; echo ready; sleep 1000 & wait")).ok());
  ASSERT_TRUE(
      processes.Start(Shell("bad", "trap 'exit 4' TERM; echo ready; sleep 1000 & wait")).ok());

  EXPECT_EQ(processes.StopAll().message(), "bad ended with exit code 4");
}

TEST_F(ProcessesTest, EndsEverythingWhenItGoes) {
  pid_t pid = 0;
  {
    Processes processes(folder_);
    ASSERT_TRUE(processes.Start(Shell("server", kServer)).ok());
    pid = processes.pid("server");
  }

  EXPECT_NE(kill(pid, 0), 0);
}

TEST_F(ProcessesTest, HasItsOwnProcessGroup) {
  Processes processes(folder_);
  ASSERT_TRUE(processes.Start(Shell("server", kServer)).ok());

  EXPECT_EQ(getpgid(processes.pid("server")), processes.pid("server"));
}

}  // namespace
}  // namespace penstock::harness
