// Nothing that was acknowledged is lost, doubled or reordered, whoever is killed.
//
// Five processes; callers submit turns in sessions of three without waiting for answers, repeat
// what they do not know (and the rest once more, as if its answer had been lost), and watch every
// turn to its end; meanwhile dispatcher and session-state are killed with SIGKILL, in turn, with at
// least ten turns in flight. PENSTOCK_SCALE=full: the counts of the acceptance list.
// PENSTOCK_FIGURES: a file for what was measured.

#include <algorithm>
#include <atomic>
#include <map>
#include <memory>
#include <random>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include <boost/json/value.hpp>
#include <gtest/gtest.h>

#include "libs/base/status_macros.h"
#include "tests/harness/canary.h"
#include "tests/harness/collect.h"
#include "tests/harness/heavy_test.h"
#include "tests/harness/judge.h"
#include "tests/harness/mesh.h"
#include "tests/harness/persistent_caller.h"

#include "absl/strings/str_cat.h"
#include "absl/time/clock.h"

namespace penstock::harness {
namespace {

constexpr int kTurnsASession = 3;
constexpr size_t kInFlightAtAKill = 10;
constexpr absl::Duration kQuiet = absl::Seconds(60);
constexpr absl::Duration kPatience = absl::Minutes(3);
const char* const kVictims[] = {"dispatcher", "session_state"};

struct Scale {
  int sessions;
  int kills_of_each;
  // Sessions at a time.
  int workers;

  int turns() const { return sessions * kTurnsASession; }
  int kills() const { return kills_of_each * 2; }
};

Scale ChosenScale() {
  if (IsFullSize()) return {334, 10, 16};
  return {20, 2, 8};
}

// Two sessions a user.
std::string UserOf(int session) { return absl::StrCat("user", session / 2); }

Intent IntentOf(int session, int order) {
  const std::string request = absl::StrCat("request-", session, "-", order);
  return {.request_id = request,
          .user = UserOf(session),
          .session = absl::StrCat("sessions/s", session % 2),
          .order = order,
          .mark = absl::StrCat("mark-", session, "-", order, ".")};
}

// An answer of ten words that takes 0.2 to 1 s.
std::string TextOf(const Intent& intent, std::mt19937& random) {
  const int delay_ms = std::uniform_int_distribution(100, 500)(random);
  const int interval_ms = std::uniform_int_distribution(10, 50)(random);
  return absl::StrCat("Please write this down for me: ", CanaryOf(intent.user), " ", intent.mark,
                      "\n/sim delay ", delay_ms, "\n/sim interval ", interval_ms);
}

class CrashRun {
 public:
  CrashRun(Mesh& mesh, Scale scale) : mesh_(mesh), scale_(scale) {
    auto channel = Caller::Connect(mesh.gateway_address());
    for (int session = 0; session < scale.sessions; ++session) {
      auto& caller = callers_[UserOf(session)];
      if (caller == nullptr) caller = mesh.NewCaller({.user = UserOf(session)}, channel);
    }
  }

  void Run() {
    std::vector<std::thread> threads;
    for (int i = 0; i < scale_.workers; ++i) threads.emplace_back([this] { Work(); });
    Kill();
    for (std::thread& thread : threads) thread.join();
  }

  // Once all is quiet.
  Report Judged() {
    History history = ledger_.Take();
    const absl::Time give_up = absl::Now() + kQuiet;
    for (const auto& [user, caller] : callers_) {
      const absl::Status status = CollectStored(*caller, user, give_up, history);
      EXPECT_TRUE(status.ok()) << user << ": " << status;
    }
    const absl::Status received = CollectProviderCalls(mesh_.simulator(), history);
    EXPECT_TRUE(received.ok()) << received;
    for (const StoredTurn& turn : history.stored) {
      EXPECT_EQ(turn.state, chat::v1::Turn::SUCCEEDED) << turn.name;
    }
    const absl::Status written = WriteHistory(history, mesh_.folder() + "/history.jsonl");
    EXPECT_TRUE(written.ok()) << written;
    return Judge(history);
  }

  const std::vector<absl::Duration>& restarts() const { return restarts_; }

 private:
  void Work() {
    for (int session = next_session_++; session < scale_.sessions; session = next_session_++) {
      const absl::Status status = Talk(session);
      EXPECT_TRUE(status.ok()) << status;
    }
    ++idle_workers_;
  }

  absl::Status Talk(int session) {
    std::mt19937 random(static_cast<unsigned>(session));
    const std::string user = UserOf(session);
    const PersistentCaller caller(*callers_.at(user), ledger_);
    const absl::Time give_up = absl::Now() + kPatience;
    std::vector<Intent> intents;
    std::vector<std::string> texts;
    std::vector<std::string> turns;
    for (int order = 1; order <= kTurnsASession; ++order) {
      intents.push_back(IntentOf(session, order));
      texts.push_back(TextOf(intents.back(), random));
      PENSTOCK_ASSIGN_OR_RETURN(turns.emplace_back(),
                                caller.Submit(intents.back(), texts.back(), give_up));
    }
    for (size_t i = 0; i < turns.size(); ++i) {
      Pause(random, 200);
      // As if the answer had been lost: while it runs, after its end, before and after a crash.
      PENSTOCK_RETURN_IF_ERROR(caller.Repeat(intents[i], texts[i], give_up).status());
      PENSTOCK_RETURN_IF_ERROR(caller.Follow(user, turns[i], give_up));
    }
    return absl::OkStatus();
  }

  static void Pause(std::mt19937& random, int most_ms) {
    std::this_thread::sleep_for(
        std::chrono::milliseconds(std::uniform_int_distribution(0, most_ms)(random)));
  }

  void Kill() {
    std::mt19937 random(1);
    for (int i = 0; i < scale_.kills(); ++i) {
      // Spread over four fifths of the run: the last kills need turns in flight, too.
      AwaitEnded(static_cast<size_t>(scale_.turns() * i * 4 / (scale_.kills() * 5)));
      Pause(random, 300);
      KillSeen kill = AwaitVictim(kVictims[i % 2]);
      if (testing::Test::HasFailure()) return;
      kill.time = absl::Now();
      const absl::Status killed = mesh_.processes().Kill(kill.process);
      ASSERT_TRUE(killed.ok()) << killed;
      kill.dead = absl::Now();
      const auto ready = mesh_.processes().Restart(kill.process);
      ASSERT_TRUE(ready.ok()) << ready.status();
      restarts_.push_back(absl::Now() - kill.time);
      ledger_.AddKill(std::move(kill));
    }
  }

  void AwaitEnded(size_t count) {
    while (ledger_.ended() < count && idle_workers_ < scale_.workers) {
      std::this_thread::sleep_for(std::chrono::milliseconds(5));
    }
  }

  // Until enough turns are in flight.
  KillSeen AwaitVictim(const std::string& process) {
    while (idle_workers_ < scale_.workers) {
      if (ledger_.InFlight().size() >= kInFlightAtAKill) return {.process = process};
      std::this_thread::sleep_for(std::chrono::milliseconds(5));
    }
    ADD_FAILURE() << "the run ended before " << kInFlightAtAKill << " turns were in flight for "
                  << process;
    return {};
  }

  Mesh& mesh_;
  const Scale scale_;
  Ledger ledger_;
  std::map<std::string, std::unique_ptr<Caller>> callers_;
  std::atomic<int> next_session_ = 0;
  std::atomic<int> idle_workers_ = 0;
  std::vector<absl::Duration> restarts_;
};

void WriteFigures(const Report& report, const CrashRun& run, absl::Duration took) {
  boost::json::object figures = {{"turns", report.counts.intents},
                                 {"acknowledged", report.counts.acknowledged},
                                 {"ended", report.counts.ended},
                                 {"submissions_repeated", report.counts.broken_calls},
                                 {"provider_calls", report.counts.provider_calls},
                                 {"repeated_provider_calls", report.counts.repeated_provider_calls},
                                 {"watchers_that_saw_a_restart", report.counts.restarted_watches},
                                 {"run_seconds", absl::ToDoubleSeconds(took)}};
  for (const Verdict verdict : kAllVerdicts) {
    figures[std::string(NameOf(verdict))] = report.Count(verdict);
  }
  boost::json::array kills;
  for (size_t i = 0; i < report.kills.size(); ++i) {
    kills.push_back({{"process", report.kills[i].process},
                     {"in_flight", report.kills[i].stages.size()},
                     {"ready_again_ms", absl::ToInt64Milliseconds(run.restarts()[i])}});
  }
  figures["kills"] = std::move(kills);
  AddFigures(figures);
}

TEST(CrashTest, KillsOfDispatcherAndSessionStateLoseDoubleAndReorderNothing) {
  const Scale scale = ChosenScale();
  const auto mesh = Mesh::Start(
      {.shape = Shape::kFiveProcesses,
       // Here it is our kills that end starts, and every turn must succeed in spite of them.
       .settings = {{"turn.max_starts", "100"}},
       .simulator_flags = {"--record-limit", "100000"},
       .failed = [] { return testing::Test::HasFailure(); }});
  ASSERT_TRUE(mesh.ok()) << mesh.status();

  CrashRun run(**mesh, scale);
  const absl::Time start = absl::Now();
  run.Run();
  const Report report = run.Judged();

  std::printf("%s", report.ToString().c_str());
  EXPECT_TRUE(report.clean()) << report.ToString();
  EXPECT_EQ(report.counts.acknowledged, scale.turns());
  EXPECT_EQ(report.counts.ended, scale.turns());
  EXPECT_EQ(static_cast<int>(report.kills.size()), scale.kills());
  EXPECT_EQ(report.counts.unexplained_calls, 0);
  const absl::Status running = (*mesh)->processes().CheckRunning();
  EXPECT_TRUE(running.ok()) << running;
  WriteFigures(report, run, absl::Now() - start);
}

}  // namespace
}  // namespace penstock::harness
