#include "tests/simulation/plan.h"

#include <algorithm>

#include "libs/base/proto_time.h"

namespace penstock::simulation {
namespace {

constexpr int kRivalsEvery = 10;

template <class T>
T OneOf(Chance& chance, std::initializer_list<T> values) {
  return *(values.begin() + chance.Between(0, static_cast<int64_t>(values.size()) - 1));
}

// Most simulations meet few kinds of trouble, and those often.
double SometimesUpTo(Chance& chance, double most) {
  return chance.With(0.5) ? 0 : most * chance.Fraction();
}

void DrawTrouble(Chance& chance, Plan& plan) {
  plan.weather.lost = SometimesUpTo(chance, 0.05);
  plan.weather.most_way = chance.Between(absl::Milliseconds(1), absl::Milliseconds(60));
  plan.habits.lost = SometimesUpTo(chance, 0.1);
  ProviderPlan& provider = plan.provider;
  provider.asks_for_tools = SometimesUpTo(chance, 0.6);
  provider.not_taken = SometimesUpTo(chance, 0.1);
  provider.refused = SometimesUpTo(chance, 0.05);
  provider.overloaded = SometimesUpTo(chance, 0.2);
  provider.hangs = SometimesUpTo(chance, 0.05);
  provider.breaks = SometimesUpTo(chance, 0.1);
  plan.crashes = static_cast<int>(chance.Between(3, 6));
  plan.session_outages = static_cast<int>(chance.Between(0, 2));
  plan.memory_outages = static_cast<int>(chance.Between(0, 1));
}

void DrawLoad(Chance& chance, Plan& plan) {
  plan.tenants = OneOf(chance, {1, 5, 2000});
  plan.users_per_tenant = OneOf(chance, {1, 10, 1000});
  plan.conversation_every = OneOf(chance, {absl::Milliseconds(200), absl::Seconds(1)});
  plan.longest_conversation = OneOf(chance, {1, 4, 10});
  plan.habits.streams = chance.Fraction();
  plan.habits.waits_for_the_end = chance.Fraction();
  plan.habits.interrupts = SometimesUpTo(chance, 0.2);
  plan.habits.rejects = SometimesUpTo(chance, 0.2);
  plan.habits.cancels = SometimesUpTo(chance, 0.3);
  plan.habits.leaves = SometimesUpTo(chance, 0.4);
  plan.habits.is_short = SometimesUpTo(chance, 0.6);
  plan.habits.think = OneOf(chance, {absl::Milliseconds(100), absl::Seconds(2)});
  plan.events = chance.Between(3000, 6000);
}

void DrawLimits(Chance& chance, Plan& plan) {
  plan.provider.concurrency = OneOf<int64_t>(chance, {1, 4, 16, 64});
  plan.provider.mean_output = OneOf(chance, {20.0, 100.0, 300.0});
  plan.provider.per_token = OneOf(chance, {absl::Milliseconds(1), absl::Milliseconds(10)});
  if (chance.With(0.4)) {
    plan.provider.renewal = OneOf(chance, {"REFILLED", "SLIDING", "FIXED"});
    plan.provider.tokens_per_minute = OneOf(chance, {20'000.0, 60'000.0, 300'000.0});
  }
  auto& turn = *plan.config.mutable_turn();
  turn.set_max_waiting(OneOf(chance, {20, 1000}));
  *turn.mutable_disconnect_grace() =
      ToProto(OneOf(chance, {absl::Milliseconds(300), absl::Seconds(3)}));
  *turn.mutable_commit_patience() =
      ToProto(OneOf(chance, {absl::Milliseconds(1), absl::Seconds(1)}));
  *turn.mutable_event_retention() =
      ToProto(OneOf(chance, {absl::ZeroDuration(), absl::Seconds(30)}));
  turn.set_max_starts(OneOf(chance, {2, 3, 10}));
  turn.set_max_tool_calls(OneOf(chance, {2, 25}));
  plan.config.mutable_session()->set_max_queued(OneOf(chance, {2, 16}));
  plan.config.mutable_session()->set_resolve_cache_entries(OneOf(chance, {4, 1000}));
  plan.config.mutable_journal()->set_shards(OneOf(chance, {1, 4}));
}

// As ProviderPlan has it.
void SetModel(Plan& plan) {
  auto& model = *plan.config.mutable_models(0);
  model.set_concurrency(static_cast<int32_t>(plan.provider.concurrency));
  if (plan.provider.renewal.empty()) return;
  model.mutable_limits()->set_tokens_per_minute(
      static_cast<int64_t>(plan.provider.tokens_per_minute));
  model.mutable_limits()->set_output_counted("ADMISSION");
  model.mutable_limits()->set_renewal(plan.provider.renewal);
  model.mutable_limits()->set_cached_input_weight(1);
}

void MakeRivals(Plan& plan) {
  plan.rivals = true;
  plan.weather = {};
  plan.provider = {};
  plan.provider.concurrency = 4;
  plan.provider.mean_output = 100;
  plan.provider.per_token = absl::Milliseconds(10);
  plan.provider.most_way = absl::Milliseconds(20);
  plan.habits = {.streams = 0,
                 .is_action = 0,
                 .is_batch = 0,
                 .rejects = 0,
                 .interrupts = 0,
                 .goes_on_alone = 0,
                 .waits_for_the_end = 1,
                 .leaves = 0,
                 .cancels = 0,
                 .repeats = 0,
                 .forgets_tools = 0,
                 .nobody_attends = 0,
                 .lost = 0,
                 .is_short = 0,
                 .think = absl::ZeroDuration(),
                 .longest_deadline = absl::Hours(1),
                 .marks = false};
  plan.session_outages = plan.memory_outages = 0;
  plan.replaced = 0;
  plan.lasts_at_least = absl::Seconds(170);
  plan.config.mutable_turn()->set_max_waiting(1000);
}

}  // namespace

config::v1::Config BaseConfig() {
  config::v1::Config config;
  auto& turn = *config.mutable_turn();
  *turn.mutable_disconnect_grace() = ToProto(absl::Seconds(3));
  *turn.mutable_commit_patience() = ToProto(absl::Seconds(1));
  *turn.mutable_event_retention() = ToProto(absl::Seconds(30));
  turn.set_event_retention_bytes(1 << 20);
  turn.set_max_attempts(3);
  turn.set_max_starts(3);
  turn.set_max_waiting(1000);
  turn.set_max_output_bytes(1 << 20);
  *turn.mutable_tool_timeout() = ToProto(absl::Seconds(30));
  turn.set_max_tool_calls(25);
  turn.set_max_tool_results_bytes(1 << 20);
  config.mutable_session()->set_max_queued(16);
  config.mutable_session()->set_max_history_turns(200);
  config.mutable_session()->set_resolve_cache_entries(1000);
  config.mutable_journal()->set_shards(4);
  *config.mutable_journal()->mutable_request_id_ttl() = ToProto(absl::Hours(24));
  *config.mutable_recall()->mutable_timeout() = ToProto(absl::Milliseconds(150));
  config.mutable_recall()->set_max_memories(15);
  config.mutable_job()->set_max_in_flight(8);
  auto& queue = *config.mutable_queue();
  queue.set_paid_floor(0.2);
  queue.set_free_floor(0.05);
  queue.set_batch_floor(0.02);
  queue.set_max_waiting_tokens(2'000'000'000);
  queue.set_max_held_bytes(int64_t{1} << 30);
  queue.set_max_tenant_share(1);
  for (auto* wait : {queue.mutable_action_max_wait(), queue.mutable_paid_max_wait(),
                     queue.mutable_free_max_wait(), queue.mutable_batch_max_wait()}) {
    *wait = ToProto(absl::Hours(24));
  }
  queue.set_first_turns_per_hour(6);
  queue.set_max_action_share(1);
  queue.set_max_first_share(1);
  queue.set_paid_cap(1);
  queue.set_free_cap(1);
  queue.set_batch_cap(1);
  for (const auto& [name, turn_class] : {std::pair("free", "FREE"), {"paid", "PAID"}}) {
    auto* tier = config.add_tiers();
    tier->set_name(name);
    tier->set_turn_class(turn_class);
  }
  auto* provider = config.add_providers();
  provider->set_name("sim");
  auto* model = config.add_models();
  model->set_name("sim/echo");
  model->set_context_window_tokens(30'000);
  model->set_max_output_tokens(1000);
  model->set_concurrency(8);
  model->mutable_price()->set_input(1);
  model->mutable_price()->set_output(4);
  auto* agent = config.add_agents();
  agent->set_id("default");
  agent->set_model("sim/echo");
  agent->set_recall(true);
  agent->set_remember(true);
  agent->add_tools()->set_name("look_up");
  return config;
}

Plan Plan::Of(uint64_t seed) {
  Plan plan;
  plan.seed = seed;
  plan.config = BaseConfig();
  Chance chance(seed * 2 + 1);
  DrawTrouble(chance, plan);
  DrawLoad(chance, plan);
  DrawLimits(chance, plan);
  if (seed % kRivalsEvery == kRivalsEvery - 1) MakeRivals(plan);
  SetModel(plan);
  return plan;
}

}  // namespace penstock::simulation
