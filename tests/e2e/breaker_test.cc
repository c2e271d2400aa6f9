// A provider that dies takes no turn with it: another takes over within 2 s, and when it is back it
// is called again without a stampede. Real processes, two simulators, a steady load.
//
// Small, it is dead for 6 s and tried again every second or two; full, for a minute, with the
// settings' defaults.

#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <memory>
#include <string>
#include <vector>

#include <gtest/gtest.h>

#include "libs/base/proto_time.h"
#include "tests/harness/eventually.h"
#include "tests/harness/heavy_test.h"
#include "tests/harness/mesh.h"

#include "absl/strings/str_cat.h"
#include "absl/strings/strip.h"
#include "absl/time/clock.h"

namespace penstock::harness {
namespace {

using chat::v1::Turn;

constexpr absl::Duration kPatience = absl::Seconds(60);
constexpr char kReady[] = "ready providersim ";
constexpr int kTurnsASecond = 20;

enum class Death { kAnswers503, kKilled };

bool Failed() { return testing::Test::HasFailure(); }

struct Size {
  // Of the load: before the outage, in it, and after it.
  absl::Duration before;
  absl::Duration dead;
  absl::Duration after;
  // In YAML.
  std::string breaker;
  // Calls beyond a tenth of the turns: it takes some failures to see that a provider is dead, few
  // turns or many.
  double spare_calls;
};

Size SizeOfRun() {
  if (IsFullSize()) {
    return {absl::Seconds(10), absl::Seconds(60), absl::Seconds(45), "{}", 0};
  }
  return {absl::Seconds(2), absl::Seconds(6), absl::Seconds(6), "{open: 1s, max_open: 2s}", 15};
}

// Most requests that were open at once, of those begun between `from` and `to`, in microseconds.
int64_t PeakOf(const std::vector<ProviderRequest>& requests, int64_t from, int64_t to) {
  int64_t peak = 0;
  for (const ProviderRequest& at : requests) {
    if (at.start_us < from || at.start_us >= to) continue;
    peak = std::max<int64_t>(
        peak, std::count_if(requests.begin(), requests.end(), [&](const ProviderRequest& other) {
          return other.start_us <= at.start_us && (other.end_us == 0 || other.end_us > at.start_us);
        }));
  }
  return peak;
}

class BreakerTest : public testing::TestWithParam<Death> {
 protected:
  void SetUp() override {
    folder_ = testing::TempDir() + "penstock-breaker-XXXXXX";
    ASSERT_NE(mkdtemp(folder_.data()), nullptr);
    processes_ = std::make_unique<Processes>(folder_);
    StartPrimary("primary", "127.0.0.1:0");
    if (HasFatalFailure()) return;
    auto mesh = Mesh::Start(
        {.shape = IsFullSize() ? Shape::kFiveProcesses : Shape::kStandalone,
         .settings = {{"providers.1", absl::StrCat("{name: primary, base_url: '", url_, "'}")},
                      {"models.1", absl::StrCat("{name: primary/echo, context_window_tokens: 32000,"
                                                " max_output_tokens: 1024, concurrency: 40,"
                                                " fallbacks: [{model: sim/echo}], breaker: ",
                                                size_.breaker, "}")},
                      {"agents.0.model", "primary/echo"},
                      {"agents.0.recall", "false"},
                      {"agents.0.remember", "false"}},
         .simulator_flags = {"--first-token-ms=300", "--record-limit=100000"},
         .failed = Failed});
    ASSERT_TRUE(mesh.ok()) << mesh.status();
    mesh_ = *std::move(mesh);
    caller_ = mesh_->NewCaller({.user = "u", .tier = "unlimited"});
  }
  void TearDown() override {
    mesh_ = nullptr;
    if (processes_ != nullptr && Failed()) std::fprintf(stderr, "%s", processes_->Logs().c_str());
    processes_ = nullptr;
    std::error_code none;
    std::filesystem::remove_all(folder_, none);
  }

  void StartPrimary(const std::string& name, const std::string& listen) {
    const auto ready = processes_->Start(
        {.name = name,
         .binary = BinaryPath("providersim"),
         .arguments = {"--listen", listen, "--first-token-ms=300", "--record-limit=100000"},
         .ready_prefix = kReady});
    ASSERT_TRUE(ready.ok()) << ready.status();
    url_ = std::string(absl::StripPrefix(*ready, kReady));
    primary_ = std::make_unique<Simulator>(url_);
  }

  void Die() {
    if (GetParam() == Death::kAnswers503) {
      ASSERT_TRUE(primary_->SetOutage(503).ok());
      return;
    }
    calls_of_the_dead_ = Calls(*primary_);
    ASSERT_TRUE(processes_->Kill("primary").ok());
  }
  void ComeBack() {
    if (GetParam() == Death::kAnswers503) {
      ASSERT_TRUE(primary_->SetOutage(0).ok());
      return;
    }
    const absl::string_view address = absl::StripSuffix(absl::StripPrefix(url_, "http://"), "/v1");
    StartPrimary("primary_again", std::string(address));
  }

  void Submit(int number) {
    gateway::v1::SubmitTurnRequest request;
    request.set_session(absl::StrCat("sessions/s", number));
    request.mutable_turn()->set_create_session(true);
    request.mutable_turn()->add_input()->mutable_text()->set_text("Write.\n/sim tokens 10");
    const auto turn =
        caller_->Call(caller_->turns(), &gateway::v1::Turns::Stub::SubmitTurn, request);
    ASSERT_TRUE(turn.ok()) << turn.status();
    names_.push_back(turn->name());
  }

  // The load; when the primary died and when it was back.
  void Run() {
    const absl::Time start = absl::Now();
    for (int number = 0; !HasFatalFailure(); ++number) {
      absl::SleepFor(start + number * absl::Seconds(1) / kTurnsASecond - absl::Now());
      const absl::Duration since = absl::Now() - start;
      if (died_ == absl::InfiniteFuture() && since >= size_.before) {
        died_ = absl::Now();
        Die();
      } else if (back_ == absl::InfiniteFuture() && since >= size_.before + size_.dead) {
        ComeBack();
        back_ = absl::Now();
      } else if (since >= size_.before + size_.dead + size_.after) {
        return;
      }
      Submit(number);
    }
  }

  std::vector<Turn> Ended() {
    std::vector<Turn> turns;
    for (const std::string& name : names_) {
      turns.emplace_back();
      EXPECT_TRUE(Eventually(kPatience, [&] {
        auto found = caller_->GetTurn(name);
        if (found.ok()) turns.back() = *std::move(found);
        return turns.back().has_end_time();
      })) << name;
    }
    return turns;
  }

  static int64_t Calls(const Simulator& simulator) {
    const auto number = simulator.LastNumber();
    EXPECT_TRUE(number.ok()) << number.status();
    return number.value_or(0);
  }

  // Open at the primary at once: in the second after the first call that it answered again, and in
  // the last second of the run, when all is as usual.
  struct Peaks {
    int64_t at_return = 0;
    int64_t usual = 0;
  };
  Peaks PeaksOfReturn() const {
    const auto requests = primary_->Requests();
    EXPECT_TRUE(requests.ok()) << requests.status();
    if (!requests.ok() || requests->empty()) return {};
    const auto dead = std::find_if(requests->rbegin(), requests->rend(), [](const auto& request) {
      return request.outcome != "completed" && request.outcome != "open";
    });
    const int64_t from = dead == requests->rend()     ? requests->front().start_us
                         : dead == requests->rbegin() ? dead->start_us
                                                      : std::prev(dead)->start_us;
    const int64_t last = requests->back().start_us;
    return {PeakOf(*requests, from, from + 1'000'000), PeakOf(*requests, last - 1'000'000, last)};
  }

  const Size size_ = SizeOfRun();
  std::string folder_;
  std::unique_ptr<Processes> processes_;
  std::string url_;
  std::unique_ptr<Simulator> primary_;
  int64_t calls_of_the_dead_ = 0;
  std::unique_ptr<Mesh> mesh_;
  std::unique_ptr<Caller> caller_;
  std::vector<std::string> names_;
  absl::Time died_ = absl::InfiniteFuture();
  absl::Time back_ = absl::InfiniteFuture();
};

TEST_P(BreakerTest, AnotherProviderTakesOverUntilItIsBack) {
  Run();
  ASSERT_FALSE(HasFatalFailure());
  const std::vector<Turn> turns = Ended();

  int64_t failed = 0;
  absl::Time first_of_fallback = absl::InfiniteFuture();
  absl::Time first_of_return = absl::InfiniteFuture();
  absl::Duration slowest = absl::ZeroDuration();
  for (const Turn& turn : turns) {
    failed += turn.state() != Turn::SUCCEEDED;
    const absl::Time output = FromProto(turn.first_output_time());
    const bool by_primary = turn.model() == "primary/echo";
    if (!by_primary) first_of_fallback = std::min(first_of_fallback, output);
    if (by_primary && output > back_) first_of_return = std::min(first_of_return, output);
    slowest = std::max(slowest, output - FromProto(turn.create_time()));
  }
  const int64_t calls = calls_of_the_dead_ + Calls(*primary_) + Calls(mesh_->simulator());
  const double calls_a_turn = static_cast<double>(calls) / static_cast<double>(turns.size());
  const Peaks peaks = PeaksOfReturn();

  EXPECT_LE(static_cast<double>(failed), 0.01 * static_cast<double>(turns.size()));
  EXPECT_LE(first_of_fallback - died_, absl::Seconds(2));
  EXPECT_LT(first_of_return, absl::InfiniteFuture()) << "it is not called again";
  EXPECT_EQ(turns.back().model(), "primary/echo");
  EXPECT_LE(static_cast<double>(calls),
            1.1 * static_cast<double>(turns.size()) + size_.spare_calls);
  EXPECT_LE(peaks.at_return, peaks.usual + peaks.usual / 2 + 2);
  AddFigures({{GetParam() == Death::kKilled ? "killed" : "answers_503",
               {{"turns", turns.size()},
                {"failed", failed},
                {"first_answer_by_fallback_s", absl::ToDoubleSeconds(first_of_fallback - died_)},
                {"slowest_first_output_s", absl::ToDoubleSeconds(slowest)},
                {"back_after_s", absl::ToDoubleSeconds(first_of_return - back_)},
                {"calls_a_turn", calls_a_turn},
                {"open_at_once_in_the_first_second", peaks.at_return},
                {"open_at_once_as_usual", peaks.usual}}}});
}

INSTANTIATE_TEST_SUITE_P(, BreakerTest, testing::Values(Death::kAnswers503, Death::kKilled),
                         [](const auto& info) {
                           return info.param == Death::kKilled ? "Killed" : "Answers503";
                         });

}  // namespace
}  // namespace penstock::harness
