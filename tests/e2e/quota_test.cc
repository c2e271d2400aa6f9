// What a provider allows is used and never exceeded: real processes against a simulator that counts
// by laws of its own, offered half as much again.
//
// Small, short calls for some seconds; full, those of the acceptance list: 5,000 tokens a second,
// answers bounded at 4, 8 and 16 times their mean, counted for 3 minutes from the 60th second on,
// against what a client could have had that knows everything.

#include <algorithm>
#include <cmath>
#include <memory>
#include <optional>
#include <random>
#include <string>
#include <tuple>
#include <vector>

#include <gtest/gtest.h>

#include "tests/harness/heavy_test.h"
#include "tests/harness/mesh.h"
#include "tests/laws/best_client.h"

#include "absl/strings/str_cat.h"
#include "absl/time/clock.h"

namespace penstock::harness {
namespace {

struct Law {
  // The simulator's name for it, and the configuration's.
  const char* simulator;
  const char* renewal;
};

bool Failed() { return testing::Test::HasFailure(); }

struct Size {
  int64_t tokens_per_minute;
  int64_t tokens_a_second_of_an_answer;
  int64_t mean_output;
  absl::Duration from;
  absl::Duration to;
  // Of what could be had.
  double least;
};

Size SizeOfRun() {
  if (IsFullSize()) {
    return {300'000, 50, 500, absl::Seconds(60), absl::Seconds(240), 0.95};
  }
  // The simulator's allowance is full at the start, ours is empty: only what is renewed counts.
  return {300'000, 1000, 50, absl::Seconds(4), absl::Seconds(12), 0.85};
}

constexpr Law kBucket{"bucket", "REFILLED"};
constexpr Law kSliding{"sliding", "SLIDING"};
constexpr Law kMinute{"minute", "FIXED"};

// A mesh that knows the quota of its provider, and callers that want more.
class QuotaLoad : public testing::Test {
 protected:
  // `ratio`: the bound of an answer, in means.
  void Start(const Law& law, int ratio, const std::vector<std::string>& more_flags = {}) {
    ratio_ = ratio;
    const std::string limits = absl::StrCat("{tokens_per_minute: ", size_.tokens_per_minute,
                                            ", renewal: ", law.renewal, "}");
    std::vector<std::string> flags = {
        absl::StrCat("--tokens-per-minute=", size_.tokens_per_minute),
        absl::StrCat("--law=", law.simulator),
        "--charge=admission",
        absl::StrCat("--token-rate=", size_.tokens_a_second_of_an_answer),
        "--events=10",
        "--record-limit=0"};
    flags.insert(flags.end(), more_flags.begin(), more_flags.end());
    auto mesh = Mesh::Start(
        {.shape = IsFullSize() ? Shape::kFiveProcesses : Shape::kStandalone,
         .settings = {{"models.0.limits", limits},
                      {"models.0.concurrency", "10000"},
                      {"models.0.max_output_tokens", absl::StrCat(ratio_ * size_.mean_output)},
                      {"agents.0.recall", "false"},
                      {"agents.0.remember", "false"}},
         .simulator_flags = std::move(flags),
         .failed = Failed});
    ASSERT_TRUE(mesh.ok()) << mesh.status();
    mesh_ = *std::move(mesh);
    caller_ = mesh_->NewCaller({.user = "u"});
  }

  // Answers of a lognormal length.
  int64_t NextOutput() {
    const double mean = static_cast<double>(size_.mean_output);
    std::lognormal_distribution<double> length(std::log(mean) - 0.32, 0.8);
    return std::clamp<int64_t>(std::llround(length(random_)), 1, ratio_ * size_.mean_output);
  }

  void Submit(int number) {
    gateway::v1::SubmitTurnRequest request;
    request.set_session(absl::StrCat("sessions/s", number));
    request.mutable_turn()->set_create_session(true);
    const int64_t tokens = NextOutput();
    // Four bytes a token.
    const auto input = static_cast<size_t>(4 * size_.mean_output);
    request.mutable_turn()->add_input()->mutable_text()->set_text(
        absl::StrCat(std::string(input, 'x'), "\n/sim tokens ", tokens));
    const auto turn =
        caller_->Call(caller_->turns(), &gateway::v1::Turns::Stub::SubmitTurn, request);
    ASSERT_TRUE(turn.ok()) << turn.status();
  }

  struct Counted {
    int64_t tokens = 0;
    int64_t calls = 0;
    int64_t rate_limited = 0;
  };
  Counted Now() const {
    const auto served = mesh_->simulator().ServedSoFar();
    EXPECT_TRUE(served.ok()) << served.status();
    if (!served.ok()) return {};
    return {served->input_tokens + served->output_tokens, served->calls, served->rate_limited};
  }

  double TokensPerSecond() const { return static_cast<double>(size_.tokens_per_minute) / 60; }

  // Half as much again as the quota, at an even pace; what was counted at each of these times.
  std::vector<Counted> Offer(const std::vector<absl::Duration>& times) {
    const double turns_a_second =
        1.5 * TokensPerSecond() / (2 * static_cast<double>(size_.mean_output));
    std::vector<Counted> counted;
    for (; counted.size() < times.size(); ++offered_) {
      if (start_ == absl::InfinitePast()) start_ = absl::Now();
      absl::SleepFor(start_ + offered_ / turns_a_second * absl::Seconds(1) - absl::Now());
      if (absl::Now() - start_ >= times[counted.size()]) counted.push_back(Now());
      Submit(offered_);
      if (HasFatalFailure()) counted.resize(times.size());
    }
    return counted;
  }

  const Size size_ = SizeOfRun();
  int ratio_ = 0;
  std::mt19937 random_{7};
  std::unique_ptr<Mesh> mesh_;
  std::unique_ptr<Caller> caller_;

 private:
  absl::Time start_ = absl::InfinitePast();
  int offered_ = 0;
};

class QuotaTest : public QuotaLoad, public testing::WithParamInterface<std::tuple<Law, int>> {
 protected:
  static const Law& law() { return std::get<0>(GetParam()); }

  void SetUp() override { Start(law(), std::get<1>(GetParam())); }

  // Calls as they are offered; charged and taken as the simulator does.
  double Best() {
    const auto law_of = laws::LawOf(law().renewal, static_cast<double>(size_.tokens_per_minute));
    constexpr absl::Duration kFrom = absl::Minutes(5);
    constexpr absl::Duration kTo = absl::Minutes(35);
    std::vector<laws::LawCall> calls;
    const auto input = static_cast<double>(size_.mean_output);
    const auto most = static_cast<double>(ratio_ * size_.mean_output);
    const double enough = 1.5 * TokensPerSecond() * absl::ToDoubleSeconds(kTo) / (2 * input);
    while (static_cast<double>(calls.size()) < enough) {
      const auto output = static_cast<double>(NextOutput());
      calls.push_back({.demand = {.amount = input + most, .refundable = most},
                       .taken = input + output,
                       .service = absl::Seconds(
                           output / static_cast<double>(size_.tokens_a_second_of_an_answer))});
    }
    return laws::BestRate(*law_of, calls, kFrom, kTo);
  }
};

TEST_P(QuotaTest, IsUsedAndNeverExceeded) {
  const std::vector<Counted> at = Offer({size_.from, size_.to});
  const double rate = static_cast<double>(at[1].tokens - at[0].tokens) /
                      absl::ToDoubleSeconds(size_.to - size_.from);
  const double best = Best();

  EXPECT_EQ(at[1].rate_limited, 0);
  EXPECT_GE(rate, size_.least * best) << "of " << best << " tokens a second";
  AddFigures({{absl::StrCat(law().simulator, "_", ratio_),
               {{"tokens_a_second", std::round(rate)},
                {"best_possible", std::round(best)},
                {"of_best", std::round(1000 * rate / best) / 1000},
                {"of_quota", std::round(1000 * rate / TokensPerSecond()) / 1000},
                {"too_many_requests", at[1].rate_limited}}}});
}

std::vector<int> Ratios() { return IsFullSize() ? std::vector{4, 8, 16} : std::vector{8}; }

INSTANTIATE_TEST_SUITE_P(, QuotaTest,
                         testing::Combine(testing::Values(kBucket, kSliding, kMinute),
                                          testing::ValuesIn(Ratios())),
                         [](const auto& info) {
                           return absl::StrCat(std::get<0>(info.param).simulator, "_",
                                               std::get<1>(info.param));
                         });

class QuotaSurpriseTest : public QuotaLoad {};

// Only what the provider says in its answers shows that somebody else is there.
TEST_F(QuotaSurpriseTest, AnUnseenConsumerOfAFifthIsLeftItsPart) {
  Start(kBucket, 4, {"--other-consumer=0.2"});
  const std::vector<Counted> at = Offer({size_.from, size_.to});

  const double seconds = absl::ToDoubleSeconds(size_.to - size_.from);
  const double rate = static_cast<double>(at[1].tokens - at[0].tokens) / seconds;
  const int64_t refused = at[1].rate_limited;
  AddFigures({{"other_consumer_of_a_fifth",
               {{"of_what_is_left", std::round(1000 * rate / (0.8 * TokensPerSecond())) / 1000},
                {"calls", at[1].calls},
                {"too_many_requests", refused}}}});
  // A thousandth; of few calls, one.
  EXPECT_LE(refused, std::max<int64_t>(1, at[1].calls / 1000));
  EXPECT_GE(rate, 0.85 * 0.8 * TokensPerSecond());
}

struct Cut {
  // Of the limit.
  double left;
  absl::Duration settling;
  absl::Duration counted;
  int64_t refusals;
  double least;
};

Cut CutOfRun() {
  if (IsFullSize()) return {0.5, absl::Seconds(30), absl::Seconds(120), 10, 0.7};
  // What a bucket holds of the time before hides half a limit for a minute, a tenth for seconds.
  return {0.1, absl::Seconds(4), absl::Seconds(6), 20, 0.3};
}

// Less is allowed than before, and every header says that it is not.
TEST_F(QuotaSurpriseTest, ALimitThatIsCutSilentlyIsFoundWithFewRefusals) {
  const Cut cut = CutOfRun();
  Start(kBucket, 4);
  Offer({size_.from});
  ASSERT_TRUE(mesh_->simulator().ChangeLimitsSilently(cut.left).ok());
  absl::Duration bites = size_.from;
  while (!HasFailure() && bites < absl::Minutes(4) && Now().rate_limited == 0) {
    Offer({bites += absl::Milliseconds(500)});
  }
  const std::vector<Counted> at = Offer({bites + cut.settling, bites + cut.settling + cut.counted});

  const double rate =
      static_cast<double>(at[1].tokens - at[0].tokens) / absl::ToDoubleSeconds(cut.counted);
  const double limit = cut.left * TokensPerSecond();
  AddFigures({{"silently_cut",
               {{"left", cut.left},
                {"of_the_new_limit", std::round(1000 * rate / limit) / 1000},
                {"too_many_requests_until_settled", at[0].rate_limited},
                {"too_many_requests", at[1].rate_limited}}}});
  EXPECT_GT(at[1].rate_limited, 0) << "the cut was never felt";
  EXPECT_LE(at[1].rate_limited, cut.refusals);
  EXPECT_GE(rate, cut.least * limit);
}

}  // namespace
}  // namespace penstock::harness
