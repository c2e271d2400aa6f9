// A long line survives a kill, and the dispatcher is soon back: how long that takes, and what a
// queued turn costs in memory. PENSTOCK_SCALE=full: a million turns.

#include <algorithm>
#include <atomic>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include <gtest/gtest.h>

#include "libs/base/mutex.h"
#include "tests/harness/heavy_test.h"
#include "tests/harness/mesh.h"
#include "tests/harness/process_memory.h"
#include "tests/harness/repeat.h"

#include "absl/strings/str_cat.h"
#include "absl/time/clock.h"

namespace penstock::harness {
namespace {

using chat::v1::Turn;

// What a session may hold by default.
constexpr int kTurnsOfASession = 16;
constexpr int kCallsAtATime = 256;

bool Failed() { return testing::Test::HasFailure(); }

int Turns() { return IsFullSize() ? 1'000'000 : 4'000; }
absl::Duration AllowedStart() { return IsFullSize() ? absl::Seconds(120) : absl::Seconds(20); }

// Submits turns, so many calls at a time.
class Submissions {
 public:
  Submissions(const Mesh& mesh, int turns) : turns_(turns) {
    for (int i = 0; i < 4; ++i) channels_.push_back(Caller::Connect(mesh.gateway_address()));
    for (int user = 0; user < (turns + kTurnsOfASession - 1) / kTurnsOfASession; ++user) {
      callers_.push_back(mesh.NewCaller({.user = absl::StrCat("u", user)},
                                        channels_[static_cast<size_t>(user) % 4]));
    }
  }

  // The names, by number; "" for one that was refused.
  std::vector<std::string> Run() {
    {
      MutexLock lock(mutex_);
      names_.resize(static_cast<size_t>(turns_));
      under_way_ = kCallsAtATime;
    }
    for (int i = 0; i < kCallsAtATime; ++i) Next();
    MutexLock lock(mutex_);
    while (under_way_ > 0) changed_.Wait(mutex_);
    return std::move(names_);
  }

  // Turn `number` is one of this caller's.
  const Caller& CallerOf(size_t number) const { return *callers_[number % callers_.size()]; }
  const std::string& first_error() const { return error_; }

 private:
  struct Submission {
    size_t number = 0;
    std::unique_ptr<grpc::ClientContext> context = nullptr;
    gateway::v1::SubmitTurnRequest request = {};
    Turn turn = {};
  };

  void Next() {
    const size_t number = next_++;
    if (number >= static_cast<size_t>(turns_)) return Done();
    auto submission = std::make_shared<Submission>();
    submission->number = number;
    submission->context = CallerOf(number).NewContext(absl::Seconds(60));
    submission->request.set_session("sessions/s");
    submission->request.mutable_turn()->set_create_session(true);
    submission->request.mutable_turn()->add_input()->mutable_text()->set_text(
        absl::StrCat("Write letter ", number, "."));
    CallerOf(number).turns().async()->SubmitTurn(submission->context.get(), &submission->request,
                                                 &submission->turn,
                                                 [this, submission](const grpc::Status& status) {
                                                   Take(*submission, status);
                                                   Next();
                                                 });
  }

  void Take(const Submission& submission, const grpc::Status& status) {
    MutexLock lock(mutex_);
    names_[submission.number] = submission.turn.name();
    if (!status.ok() && error_.empty()) error_ = status.error_message();
  }

  void Done() {
    MutexLock lock(mutex_);
    --under_way_;
    changed_.NotifyAll();
  }

  const int turns_;
  std::vector<std::shared_ptr<grpc::Channel>> channels_;
  std::vector<std::unique_ptr<Caller>> callers_;
  std::atomic<size_t> next_ = 0;
  Mutex mutex_;
  CondVar changed_;
  int under_way_ ABSL_GUARDED_BY(mutex_) = 0;
  std::vector<std::string> names_ ABSL_GUARDED_BY(mutex_);
  std::string error_;
};

TEST(BacklogTest, IsThereAgainSoonAfterAKill) {
  auto mesh = Mesh::Start({.shape = Shape::kFiveProcesses,
                           .settings = {{"models.0.concurrency", "1"},
                                        {"turn.max_waiting", "10000000"},
                                        // All submit at once, and nobody minds how long it takes.
                                        {"turn.max_unanswered", "10000"},
                                        {"queue.max_tenant_share", "1"},
                                        // A turn that could not start in time would be refused.
                                        {"job.max_duration", "1000000h"},
                                        {"providers.0.first_token_timeout", "10h"},
                                        {"agents.0.recall", "false"},
                                        {"agents.0.remember", "false"}},
                           .simulator_flags = {"--first-token-ms=36000000", "--record-limit=0"},
                           .failed = Failed});
  ASSERT_TRUE(mesh.ok()) << mesh.status();
  Processes& processes = (*mesh)->processes();
  const int64_t empty = ResidentMemory(processes.pid("dispatcher"));

  Submissions submissions(**mesh, Turns());
  const std::vector<std::string> names = submissions.Run();
  ASSERT_EQ(std::count(names.begin(), names.end(), ""), 0) << submissions.first_error();
  const int64_t full = ResidentMemory(processes.pid("dispatcher"));

  ASSERT_TRUE(processes.Kill("dispatcher").ok());
  const absl::Time killed = absl::Now();
  const auto ready = processes.Restart("dispatcher");
  const absl::Duration start = absl::Now() - killed;
  ASSERT_TRUE(ready.ok()) << ready.status();
  const int64_t recovered = ResidentMemory(processes.pid("dispatcher"));

  const size_t step = std::max<size_t>(1, names.size() / 200);
  for (size_t i = 0; i < names.size(); i += step) {
    // The gateway finds the new dispatcher within two seconds.
    const auto turn = UntilKnown(killed + AllowedStart() + absl::Seconds(20),
                                 [&] { return submissions.CallerOf(i).GetTurn(names[i]); });
    ASSERT_TRUE(turn.ok()) << turn.status();
    EXPECT_TRUE(turn->state() == Turn::QUEUED || turn->state() == Turn::RUNNING)
        << turn->DebugString();
    EXPECT_EQ(InputText(*turn), absl::StrCat("Write letter ", i, "."));
  }
  const auto bytes_a_turn = [&](int64_t bytes) { return (bytes - empty) / Turns(); };
  AddFigures({{"turns", Turns()},
              {"start_s", absl::ToDoubleSeconds(start)},
              {"bytes_a_turn", bytes_a_turn(full)},
              {"bytes_a_turn_after_the_start", bytes_a_turn(recovered)}});
  EXPECT_LE(start, AllowedStart());
}

}  // namespace
}  // namespace penstock::harness
