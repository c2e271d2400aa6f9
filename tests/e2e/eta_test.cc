// The wait that a caller is told when its turn is accepted is the wait it has: arrivals at random,
// once three times as many.

#include <algorithm>
#include <cmath>
#include <memory>
#include <string>
#include <vector>

#include <gtest/gtest.h>

#include "libs/base/proto_time.h"
#include "tests/harness/heavy_test.h"
#include "tests/harness/mesh.h"
#include "tests/harness/open_loop.h"

#include "absl/strings/str_cat.h"

namespace penstock::harness {
namespace {

constexpr int kConcurrency = 20;
constexpr int kMeanTokens = 50;
// Of what the pool can do; and while the burst lasts.
constexpr double kLoad = 0.7;
constexpr double kBurst = 3 * kLoad;

bool Failed() { return testing::Test::HasFailure(); }

struct Size {
  // Of one call.
  absl::Duration mean_service;
  absl::Duration burst_begins;
  absl::Duration burst_ends;
  absl::Duration end;
};

Size SizeOfRun() {
  if (IsFullSize()) {
    return {absl::Seconds(1), absl::Seconds(45), absl::Seconds(60), absl::Seconds(150)};
  }
  return {absl::Milliseconds(500), absl::Seconds(3), absl::Seconds(6), absl::Seconds(12)};
}

struct Case {
  const char* name;
  // What bounds the pool: slots, or what the provider allows.
  bool by_quota;
};

class EtaTest : public testing::TestWithParam<Case> {
 protected:
  double TurnsPerSecond() const { return kConcurrency / absl::ToDoubleSeconds(size_.mean_service); }

  void SetUp() override {
    // All of one class, FIRST: nobody can tell what will come in a higher one.
    Settings settings = {{"agents.0.recall", "false"},
                         {"agents.0.remember", "false"},
                         {"queue.max_first_share", "1"}};
    const int token_rate =
        static_cast<int>(kMeanTokens / absl::ToDoubleSeconds(size_.mean_service));
    std::vector<std::string> flags = {absl::StrCat("--token-rate=", token_rate), "--events=4",
                                      "--record-limit=0"};
    if (GetParam().by_quota) {
      const auto a_minute = static_cast<int64_t>(60 * TurnsPerSecond());
      settings["models.0.concurrency"] = "10000";
      settings["models.0.limits"] = absl::StrCat("{requests_per_minute: ", a_minute, "}");
      flags.push_back(absl::StrCat("--requests-per-minute=", a_minute));
    } else {
      settings["models.0.concurrency"] = absl::StrCat(kConcurrency);
    }
    auto mesh = Mesh::Start({.shape = IsFullSize() ? Shape::kFiveProcesses : Shape::kStandalone,
                             .settings = settings,
                             .simulator_flags = flags,
                             .failed = Failed});
    ASSERT_TRUE(mesh.ok()) << mesh.status();
    mesh_ = *std::move(mesh);
  }

  // Answers of random length, each of a user of its own.
  std::vector<Arrival> Plan() const {
    std::vector<Arrival> plan;
    const auto add = [&](double load, absl::Duration from, absl::Duration to) {
      const double rate = load * TurnsPerSecond();
      for (const absl::Duration due :
           PoissonTimes(rate, from, to, static_cast<unsigned>(1 + plan.size()))) {
        const int tokens =
            kMeanTokens / 2 + static_cast<int>(plan.size() * 7919 % (kMeanTokens + 1));
        const std::string number = absl::StrCat(plan.size());
        plan.push_back({.due = due,
                        .user = {.user = "u" + number},
                        .session = "sessions/s" + number,
                        .text = absl::StrCat("Write.\n/sim tokens ", tokens)});
      }
    };
    add(kLoad, absl::ZeroDuration(), size_.burst_begins);
    add(kBurst, size_.burst_begins, size_.burst_ends);
    add(kLoad, size_.burst_ends, size_.end);
    return plan;
  }

  const Size size_ = SizeOfRun();
  std::unique_ptr<Mesh> mesh_;
};

// How the waits of some turns kept to what was told.
struct Kept {
  int turns = 0;
  int near = 0;
  int within_p90 = 0;

  void Add(const Fate& fate) {
    const absl::Duration wait = *fate.started - fate.answered;
    const absl::Duration p50 = FromProto(fate.told.eta_p50());
    const absl::Duration off = wait > p50 ? wait - p50 : p50 - wait;
    ++turns;
    near += off <= std::max(absl::Seconds(1), wait / 4);
    // The clocks of caller and dispatcher are the same; their views of a start are not.
    within_p90 += wait <= FromProto(fate.told.eta_p90()) + absl::Milliseconds(100);
  }
  double PartNear() const { return static_cast<double>(near) / std::max(turns, 1); }
  double PartWithinP90() const { return static_cast<double>(within_p90) / std::max(turns, 1); }
};

double Rounded(double part) { return std::round(part * 1000) / 1000; }

TEST_P(EtaTest, HalfOfTheStartsAreNearTheFirstEstimateAndNineInTenWithinTheP90) {
  const std::vector<Fate> fates = RunOpenLoop(*mesh_, Plan());

  Kept all;
  Kept long_waits;
  absl::Duration longest;
  for (const Fate& fate : fates) {
    ASSERT_TRUE(fate.succeeded()) << fate.status << fate.turn.DebugString();
    ASSERT_TRUE(fate.started.has_value());
    all.Add(fate);
    const absl::Duration wait = *fate.started - fate.answered;
    longest = std::max(longest, wait);
    if (wait > size_.mean_service) long_waits.Add(fate);
  }

  AddFigures({{GetParam().name,
               {{"turns", all.turns},
                {"near", Rounded(all.PartNear())},
                {"within_p90", Rounded(all.PartWithinP90())},
                {"longest_wait_s", Rounded(absl::ToDoubleSeconds(longest))},
                {"long_waits", long_waits.turns},
                {"near_of_long_waits", Rounded(long_waits.PartNear())},
                {"within_p90_of_long_waits", Rounded(long_waits.PartWithinP90())}}}});
  EXPECT_GE(all.PartNear(), 0.5);
  EXPECT_GE(all.PartWithinP90(), 0.9);
  ASSERT_GT(long_waits.turns, 20) << "there was no burst";
  EXPECT_GE(long_waits.PartNear(), 0.5);
}

INSTANTIATE_TEST_SUITE_P(, EtaTest, testing::Values(Case{"slots", false}, Case{"quota", true}),
                         [](const auto& info) { return std::string(info.param.name); });

}  // namespace
}  // namespace penstock::harness
