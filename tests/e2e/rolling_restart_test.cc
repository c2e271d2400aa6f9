// A process behind the gateway that is told to stop under load, and started again, costs no turn.

#include <algorithm>
#include <atomic>
#include <memory>
#include <string>
#include <thread>
#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/harness/heavy_test.h"
#include "tests/harness/mesh.h"

#include "absl/strings/str_cat.h"
#include "absl/time/clock.h"

namespace penstock::harness {
namespace {

using chat::v1::Turn;
using gateway::v1::Turns;

bool Failed() { return testing::Test::HasFailure(); }

constexpr int kCallers = 16;

// Calls begin, stream and end at the moment of every stop: answers at once, after a while, and in
// many pieces.
constexpr const char* kQuestions[] = {"hello", "Wait.\n/sim delay 150",
                                      "Write.\n/sim tokens 40\n/sim interval 10"};

absl::StatusOr<Turn> RunTurn(const Caller& caller, const std::string& text) {
  gateway::v1::RunTurnRequest request;
  request.set_session("sessions/s");
  request.mutable_turn()->set_create_session(true);
  request.mutable_turn()->set_on_conflict(chat::v1::ENQUEUE);
  request.mutable_turn()->add_input()->mutable_text()->set_text(text);
  return caller.Call(caller.turns(), &Turns::Stub::RunTurn, request, absl::Seconds(120));
}

// Callers of a mesh, each with one turn under way at any time while this lives.
class Load {
 public:
  explicit Load(const Mesh& mesh) {
    for (int i = 0; i < kCallers; ++i) {
      threads_.emplace_back([this, &mesh, i] { Run(mesh, i); });
    }
  }
  ~Load() {
    stop_ = true;
    for (std::thread& thread : threads_) thread.join();
  }

  int succeeded() const { return succeeded_; }

 private:
  void Run(const Mesh& mesh, int number) {
    const auto caller = mesh.NewCaller({.user = absl::StrCat("u", number)});
    for (size_t turns = number; !stop_; ++turns) {
      const auto turn = RunTurn(*caller, kQuestions[turns % std::size(kQuestions)]);
      if (!turn.ok()) {
        ADD_FAILURE() << turn.status();
      } else if (turn->state() != Turn::SUCCEEDED) {
        ADD_FAILURE() << turn->ShortDebugString();
      } else {
        ++succeeded_;
      }
    }
  }

  std::atomic<bool> stop_ = false;
  std::atomic<int> succeeded_ = 0;
  std::vector<std::thread> threads_;
};

class RollingRestartTest : public testing::TestWithParam<const char*> {};

TEST_P(RollingRestartTest, FailsNoTurn) {
  const auto mesh = Mesh::Start({.shape = Shape::kFiveProcesses, .failed = Failed});
  ASSERT_TRUE(mesh.ok()) << mesh.status();
  Processes& processes = (*mesh)->processes();
  const int restarts = IsFullSize() ? 100 : 5;

  const Load load(**mesh);
  for (int i = 0; i < restarts && !HasFailure(); ++i) {
    const int before = load.succeeded();
    absl::SleepFor(absl::Milliseconds(200));
    const auto ending = processes.Terminate(GetParam());
    ASSERT_TRUE(ending.ok()) << ending.status();
    EXPECT_TRUE(ending->ok()) << ending->ToString();
    const auto ready = processes.Restart(GetParam());
    ASSERT_TRUE(ready.ok()) << ready.status();
    const absl::Time give_up = absl::Now() + absl::Seconds(60);
    while (load.succeeded() < before + 2 * kCallers && absl::Now() < give_up && !HasFailure()) {
      absl::SleepFor(absl::Milliseconds(20));
    }
    EXPECT_GE(load.succeeded(), before + 2 * kCallers) << "turns stand still after restart " << i;
  }
  AddFigures(
      {{GetParam(), boost::json::object{{"restarts", restarts}, {"turns", load.succeeded()}}}});
}

INSTANTIATE_TEST_SUITE_P(, RollingRestartTest,
                         testing::Values("provider_adapter", "memory_recall", "session_state",
                                         "dispatcher"),
                         [](const auto& process) { return std::string(process.param); });

}  // namespace
}  // namespace penstock::harness
