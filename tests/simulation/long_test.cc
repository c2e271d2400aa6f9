// Long runs: what a provider allows is used, all of it and no more; a day of mixed load leaves
// nothing behind.

#include <algorithm>
#include <cstdio>
#include <string>
#include <tuple>
#include <vector>

#include <boost/json/object.hpp>
#include <gtest/gtest.h>
#include <malloc.h>

#include "libs/base/log.h"
#include "libs/base/proto_time.h"
#include "tests/harness/heavy_test.h"
#include "tests/laws/best_client.h"
#include "tests/simulation/simulation.h"

#include "absl/strings/str_cat.h"

namespace penstock::simulation {
namespace {

constexpr double kAllowance = 60'000;
constexpr double kMeanOutput = 500;
constexpr absl::Duration kPerToken = absl::Milliseconds(20);
constexpr double kOffered = 1.5;
// What goes wrong here goes wrong by intent.
constexpr auto kSilent = static_cast<Severity>(static_cast<int>(Severity::kError) + 1);

// Callers who ask for one turn each, and let nobody wait.
Habits Plain() {
  return {.streams = 0,
          .is_action = 0,
          .is_batch = 0,
          .rejects = 0,
          .interrupts = 0,
          .goes_on_alone = 0,
          .waits_for_the_end = 0,
          .leaves = 0,
          .cancels = 0,
          .repeats = 0,
          .forgets_tools = 0,
          .nobody_attends = 1,
          .lost = 0,
          .is_short = 0,
          .think = absl::Seconds(1),
          .shortest_deadline = absl::Hours(23),
          .longest_deadline = absl::Hours(24),
          .marks = false};
}

Plan QuotaPlan(const std::string& renewal, double ratio) {
  Plan plan;
  plan.seed = 1;
  plan.config = BaseConfig();
  auto& model = *plan.config.mutable_models(0);
  model.set_max_output_tokens(static_cast<int32_t>(kMeanOutput * ratio));
  model.set_concurrency(2000);
  model.mutable_limits()->set_tokens_per_minute(static_cast<int64_t>(kAllowance));
  model.mutable_limits()->set_output_counted("ADMISSION");
  model.mutable_limits()->set_renewal(renewal);
  model.mutable_limits()->set_cached_input_weight(1);
  auto& agent = *plan.config.mutable_agents(0);
  // About 450 tokens.
  agent.set_instructions(std::string(1500, 'x'));
  agent.set_recall(false);
  agent.set_remember(false);
  plan.provider = {.renewal = renewal,
                   .tokens_per_minute = kAllowance,
                   .concurrency = 2000,
                   .mean_output = kMeanOutput,
                   .per_token = kPerToken,
                   .first_token = absl::Milliseconds(1),
                   .least_way = absl::Milliseconds(5),
                   .most_way = absl::Milliseconds(40)};
  plan.habits = Plain();
  plan.tenants = 20;
  plan.users_per_tenant = 500;
  plan.longest_conversation = 1;
  plan.conversation_every = absl::Minutes(1) * (1000 / kAllowance / kOffered);
  plan.crashes = plan.session_outages = plan.memory_outages = 0;
  return plan;
}

double BestRateOf(const Plan& plan, double input, absl::Duration from, absl::Duration to) {
  const double most = plan.config.models(0).max_output_tokens();
  Chance chance(3);
  std::vector<laws::LawCall> calls;
  // Twice what fits.
  const double seconds = absl::ToDoubleSeconds(to);
  const auto n = static_cast<size_t>(2 * seconds / 60 * kAllowance / (input + kMeanOutput));
  for (size_t i = 0; i < n; ++i) {
    const auto output = static_cast<double>(OutputTokens(chance, kMeanOutput, most));
    calls.push_back({.demand = {.amount = input + most, .refundable = most},
                     .taken = input + output,
                     .service = plan.provider.first_token + kPerToken * output});
  }
  const auto law = laws::LawOf(plan.provider.renewal, kAllowance);
  return laws::BestRate(*law, calls, from, to);
}

class QuotaSimulation : public testing::TestWithParam<std::tuple<std::string, double>> {
 protected:
  QuotaSimulation() { ConfigureLog("simulation", kSilent); }
};

TEST_P(QuotaSimulation, TakesNearlyAllThatCouldBeTakenAndIsNeverRefused) {
  const auto& [renewal, ratio] = GetParam();
  if (!harness::IsFullSize() && ratio != 8) GTEST_SKIP() << "at full size only";
  const absl::Duration from = absl::Minutes(10);
  const absl::Duration to = harness::IsFullSize() ? absl::Hours(10) : absl::Minutes(40);
  const Plan plan = QuotaPlan(renewal, ratio);
  Simulation simulation(plan);
  simulation.witness().RememberNothing();
  simulation.provider().CountTokens();
  simulation.Start();
  simulation.Load();
  simulation.RunUntil(to);

  const double ours =
      simulation.provider().TokensBetween(from, to) / absl::ToDoubleSeconds(to - from);
  const double best = BestRateOf(plan, simulation.provider().last_input_tokens(), from, to);
  const std::string name = absl::StrCat("quota_", renewal, "_", ratio);
  std::printf("%s: %.1f tokens/s, %.4f of the best, %.4f of the allowance; %lld refused\n",
              name.c_str(), ours, ours / best, ours * 60 / kAllowance,
              static_cast<long long>(simulation.provider().refused()));
  harness::AddFigures({{name, boost::json::object{{"of_best", ours / best},
                                                  {"of_allowance", ours * 60 / kAllowance},
                                                  {"refused", simulation.provider().refused()}}}});
  EXPECT_EQ(simulation.provider().refused(), 0);
  EXPECT_GT(ours, 0.97 * best);
  EXPECT_TRUE(simulation.witness().offences().empty());
}

INSTANTIATE_TEST_SUITE_P(, QuotaSimulation,
                         testing::Combine(testing::Values("REFILLED", "SLIDING", "FIXED"),
                                          testing::Values(4.0, 8.0, 16.0)),
                         [](const auto& shape) {
                           return absl::StrCat(std::get<0>(shape.param), "_",
                                               std::get<1>(shape.param));
                         });

// What is held at one time of the day.
struct Held {
  RowCounts rows;
  double live_turns = 0;
  size_t heap_bytes = 0;
};

Plan DayPlan() {
  Plan plan;
  plan.seed = 24;
  plan.config = BaseConfig();
  *plan.config.mutable_journal()->mutable_request_id_ttl() = ToProto(absl::Hours(1));
  plan.weather.lost = 0.005;
  plan.provider.concurrency = 8;
  plan.config.mutable_models(0)->set_concurrency(8);
  plan.provider.mean_output = 100;
  plan.provider.asks_for_tools = 0.2;
  plan.provider.not_taken = 0.01;
  plan.provider.refused = 0.01;
  plan.provider.overloaded = 0.02;
  plan.provider.hangs = 0.002;
  plan.provider.breaks = 0.01;
  plan.habits.leaves = 0;
  plan.habits.nobody_attends = 0;
  plan.habits.waits_for_the_end = 1;
  plan.tenants = 50;
  plan.users_per_tenant = 100;
  plan.conversation_every = absl::Seconds(6);
  plan.longest_conversation = 5;
  return plan;
}

class DaySimulation : public testing::Test {
 protected:
  DaySimulation() { ConfigureLog("simulation", kSilent); }

  static Held Look(Simulation& simulation) {
    ForgetUsage(simulation.disk());
    return {.rows = CountRows(simulation.disk()),
            .live_turns = simulation.dispatcher().Gauge("penstock_dispatcher_live_turns"),
            .heap_bytes = mallinfo2().uordblks};
  }
};

TEST_F(DaySimulation, MixedLoadLeavesNothingBehind) {
  const absl::Duration lasts = harness::IsFullSize() ? absl::Hours(24) : absl::Hours(3);
  Simulation simulation(DayPlan());
  simulation.witness().RememberNothing();
  simulation.Start();
  simulation.Load();
  // After this long as many request ids expire as are made.
  const absl::Duration settled = absl::Hours(2);
  Held at_first;
  Held most;
  for (absl::Duration now = absl::Minutes(30); now <= lasts; now += absl::Minutes(30)) {
    simulation.RunUntil(now);
    const Held held = Look(simulation);
    most.live_turns = std::max(most.live_turns, held.live_turns);
    if (now <= settled)
      at_first.rows.request_ids = std::max(at_first.rows.request_ids, held.rows.request_ids);
    if (now <= settled) at_first.heap_bytes = std::max(at_first.heap_bytes, held.heap_bytes);
    most.rows.request_ids = held.rows.request_ids;
    most.heap_bytes = held.heap_bytes;
    if (now % absl::Hours(2) == absl::ZeroDuration()) simulation.Crash();
  }
  simulation.Quiet();
  const Outcome outcome = simulation.Verdict();

  std::printf(
      "%s: %lld turns, %d crashes, most live %.0f, request ids %lld then %lld, heap %zu then %zu\n",
      absl::FormatDuration(lasts).c_str(), static_cast<long long>(outcome.acknowledged),
      outcome.crashes, most.live_turns, static_cast<long long>(at_first.rows.request_ids),
      static_cast<long long>(most.rows.request_ids), at_first.heap_bytes, most.heap_bytes);
  harness::AddFigures(
      {{"day", boost::json::object{{"hours", absl::ToDoubleHours(lasts)},
                                   {"turns", outcome.acknowledged},
                                   {"crashes", outcome.crashes},
                                   {"most_live_turns", most.live_turns},
                                   {"request_ids_after_2h", at_first.rows.request_ids},
                                   {"request_ids_at_end", most.rows.request_ids},
                                   {"heap_after_2h", at_first.heap_bytes},
                                   {"heap_at_end", most.heap_bytes}}}});
  EXPECT_TRUE(outcome.offences.empty()) << outcome.offences.front();
  EXPECT_LT(most.live_turns, 200);
  EXPECT_LT(static_cast<double>(most.rows.request_ids),
            1.3 * static_cast<double>(at_first.rows.request_ids));
  EXPECT_LE(static_cast<double>(most.heap_bytes),
            1.2 * static_cast<double>(at_first.heap_bytes) + (8 << 20));
}

}  // namespace
}  // namespace penstock::simulation
