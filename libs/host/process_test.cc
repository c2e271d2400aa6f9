#include "libs/host/process.h"

#include <array>
#include <csignal>
#include <cstdio>
#include <fstream>
#include <string>
#include <vector>

#include <boost/json/parse.hpp>
#include <fcntl.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <spawn.h>
#include <sys/wait.h>
#include <unistd.h>

#include "libs/host/http_for_test.h"

#include "absl/strings/match.h"

namespace penstock::host {
namespace {

using testing::EndsWith;
using testing::HasSubstr;
using testing::StartsWith;

// A started test_process; killed and reaped at the end, if it still runs.
class Child {
 public:
  Child(std::vector<std::string> flags, const std::string& order) {
    std::array<int, 2> out;
    std::array<int, 2> err;
    EXPECT_EQ(pipe2(out.data(), O_CLOEXEC), 0);
    EXPECT_EQ(pipe2(err.data(), O_CLOEXEC), 0);
    posix_spawn_file_actions_t actions;
    posix_spawn_file_actions_init(&actions);
    posix_spawn_file_actions_adddup2(&actions, out[1], STDOUT_FILENO);
    posix_spawn_file_actions_adddup2(&actions, err[1], STDERR_FILENO);

    flags.insert(flags.begin(), PENSTOCK_TEST_PROCESS);
    std::vector<char*> arguments;
    for (std::string& flag : flags) arguments.push_back(flag.data());
    arguments.push_back(nullptr);
    std::string variable = "PENSTOCK_TEST=" + order;
    char* environment[] = {variable.data(), nullptr};
    EXPECT_EQ(
        posix_spawn(&pid_, PENSTOCK_TEST_PROCESS, &actions, nullptr, arguments.data(), environment),
        0);
    posix_spawn_file_actions_destroy(&actions);
    close(out[1]);
    close(err[1]);
    out_ = fdopen(out[0], "r");
    err_ = fdopen(err[0], "r");
  }

  ~Child() {
    if (pid_ > 0) {
      kill(pid_, SIGKILL);
      Wait();
    }
    fclose(out_);
    fclose(err_);
  }

  void Signal(int number) const { ASSERT_EQ(kill(pid_, number), 0); }

  std::string OutLine() { return Line(out_); }
  std::string ErrLine() { return Line(err_); }
  std::string Out() { return Rest(out_); }
  std::string Err() { return Rest(err_); }

  // The exit code, or minus the signal that ended it.
  int Wait() {
    int status = 0;
    EXPECT_EQ(waitpid(pid_, &status, 0), pid_);
    pid_ = 0;
    return WIFEXITED(status) ? WEXITSTATUS(status) : -WTERMSIG(status);
  }

 private:
  static std::string Line(FILE* file) {
    std::array<char, 4096> buffer = {};
    return std::fgets(buffer.data(), buffer.size(), file) != nullptr ? buffer.data() : "";
  }

  static std::string Rest(FILE* file) {
    std::string text;
    for (std::string line = Line(file); !line.empty(); line = Line(file)) text += line;
    return text;
  }

  pid_t pid_ = 0;
  FILE* out_ = nullptr;
  FILE* err_ = nullptr;
};

constexpr char kConfig[] = "deploy/config/five.yaml";

TEST(Process, StopsAfterDrainingOnASignal) {
  for (const int signal : {SIGTERM, SIGINT}) {
    Child child({"--config", kConfig}, "");
    ASSERT_THAT(child.OutLine(), StartsWith("{\"ready\":\"test_process\","));

    child.Signal(signal);

    EXPECT_EQ(child.OutLine(), "drain 30s\n");
    EXPECT_EQ(child.OutLine(), "stop\n");
    EXPECT_EQ(child.Wait(), 0);
    EXPECT_THAT(child.Err(), HasSubstr("\"message\":\"stopped\""));
  }
}

TEST(Process, SaysWhereItListensWhenItIsReady) {
  Child child({"--config", kConfig}, "");

  const boost::json::value line = boost::json::parse(child.OutLine());

  EXPECT_EQ(line.at("ready").as_string(), "test_process");
  EXPECT_EQ(line.at("listening").at(0).as_string(), "unix:nowhere");
  const std::string admin(line.at("admin").as_string());
  EXPECT_THAT(GetForTest(admin, "/readyz"), StartsWith("HTTP/1.1 200 OK"));
  EXPECT_THAT(GetForTest(admin, "/metrics"),
              HasSubstr("penstock_build_info{service=\"test_process\",version="));
}

TEST(Process, IsNotReadyWhileItDrainsAndEndsAtOnceOnASecondSignal) {
  Child child({"--config", kConfig}, "hang");
  const boost::json::value line = boost::json::parse(child.OutLine());
  const std::string admin(line.at("admin").as_string());

  child.Signal(SIGTERM);
  ASSERT_EQ(child.OutLine(), "drain 30s\n");
  EXPECT_THAT(GetForTest(admin, "/readyz"), HasSubstr("\"reason\":\"stopping\""));
  EXPECT_THAT(GetForTest(admin, "/healthz"), StartsWith("HTTP/1.1 200 OK"));
  child.Signal(SIGINT);

  EXPECT_EQ(child.Wait(), 130);
  EXPECT_EQ(child.Out(), "");
  EXPECT_THAT(child.Err(), HasSubstr("second signal"));
}

TEST(Process, TakesOverAChangedFileOnSighupUnlessItIsWrong) {
  const std::string file = testing::TempDir() + "/reload.yaml";
  const auto write = [&](const std::string& queue) {
    std::ifstream sample(kConfig);
    std::ofstream(file) << sample.rdbuf() << "\nqueue: " << queue << "\n";
  };
  write("{paid_floor: 0.1}");
  Child child({"--config", file}, "");
  ASSERT_THAT(child.OutLine(), StartsWith("{"));

  write("{paid_floor: 0.3}");
  child.Signal(SIGHUP);
  EXPECT_EQ(child.OutLine(), "reload 0.3\n");

  write("{paid_floor: much}");
  child.Signal(SIGHUP);
  std::string log = child.ErrLine();
  while (!log.empty() && !absl::StrContains(log, "is not reloaded")) log = child.ErrLine();
  EXPECT_THAT(log, HasSubstr("queue.paid_floor"));
  write("{paid_floor: 0.2}");
  child.Signal(SIGHUP);
  EXPECT_EQ(child.OutLine(), "reload 0.2\n");
  child.Signal(SIGTERM);
  EXPECT_EQ(child.Wait(), 0);
}

TEST(Process, OutlivesAClosedPipe) {
  Child child({"--config", kConfig}, "");
  ASSERT_THAT(child.OutLine(), StartsWith("{"));

  child.Signal(SIGPIPE);
  child.Signal(SIGTERM);

  EXPECT_EQ(child.Wait(), 0);
}

TEST(Process, SaysInOneLineWhyAServiceCannotStart) {
  Child child({"--config", kConfig}, "refuse");

  EXPECT_EQ(child.Wait(), 1);
  EXPECT_EQ(child.Out(), "");
  EXPECT_THAT(child.Err(), EndsWith("test_process: cannot start: obedient: told to refuse\n"));
}

TEST(Process, SaysInOneLineWhatIsWrongWithItsConfiguration) {
  Child child({"--config", "deploy/config/SETTINGS.md"}, "");

  EXPECT_EQ(child.Wait(), 1);
  EXPECT_THAT(child.Err(), StartsWith("test_process: deploy/config/SETTINGS.md: "));
}

TEST(Process, RefusesAWrongCommandLine) {
  Child child({"--verbose"}, "");

  EXPECT_EQ(child.Wait(), 2);
  EXPECT_EQ(child.Err(), "test_process: unknown argument \"--verbose\"; see --help\n");
}

TEST(Process, PrintsHelpAndVersion) {
  Child help({"--help"}, "");
  EXPECT_EQ(help.Wait(), 0);
  EXPECT_THAT(help.Out(), StartsWith("usage: test_process --config FILE\n"));

  Child version({"--version"}, "");
  EXPECT_EQ(version.Wait(), 0);
  EXPECT_THAT(version.Out(), StartsWith("test_process 0."));
}

}  // namespace
}  // namespace penstock::host
