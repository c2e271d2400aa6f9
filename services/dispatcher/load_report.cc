#include "services/dispatcher/load_report.h"

#include <algorithm>
#include <string>
#include <vector>

#include "libs/base/proto_time.h"

namespace penstock::dispatcher {
namespace {

v1::LaneLoad::Breaker BreakerOf(Breaker::State state) {
  switch (state) {
    case Breaker::State::kClosed:
      return v1::LaneLoad::CLOSED;
    case Breaker::State::kHalfOpen:
      return v1::LaneLoad::HALF_OPEN;
    case Breaker::State::kOpen:
      return v1::LaneLoad::OPEN;
  }
}

v1::LaneLoad LaneLoadOf(const std::string& name, const LaneLoad& load) {
  v1::LaneLoad lane;
  lane.set_name(name);
  lane.set_in_flight(load.in_flight);
  lane.set_concurrency(load.concurrency);
  lane.set_rate_factor(load.rate_factor);
  if (load.pause_left > absl::ZeroDuration()) *lane.mutable_pause() = ToProto(load.pause_left);
  lane.set_breaker(BreakerOf(load.breaker));
  return lane;
}

v1::ClassLoad ClassLoadOf(chat::v1::TurnClass turn_class, const LoadSignal& signal,
                          const Arbiter& pool) {
  const ClassLoad load = pool.LoadOf(turn_class);
  const Eta eta = pool.EtaOf(turn_class);
  v1::ClassLoad reported;
  reported.set_turn_class(turn_class);
  reported.set_waiting(load.waiting);
  reported.set_ready(load.ready);
  reported.set_running(load.running);
  if (load.waiting > 0) *reported.mutable_oldest_wait() = ToProto(load.oldest_wait);
  reported.set_arrivals_per_second(load.arrivals_per_second);
  reported.set_starts_per_second(load.starts_per_second);
  reported.set_refused_per_second(load.refused_per_second);
  if (load.wait_p50) *reported.mutable_wait_p50() = ToProto(*load.wait_p50);
  if (load.wait_p90) *reported.mutable_wait_p90() = ToProto(*load.wait_p90);
  *reported.mutable_eta_p50() = ToProto(eta.p50);
  *reported.mutable_eta_p90() = ToProto(eta.p90);
  const LoadSignal::Class& its = signal.classes[static_cast<size_t>(turn_class)];
  reported.set_runnable(its.runnable);
  reported.set_quota_blocked(its.quota_blocked);
  return reported;
}

// What the pool is with regard to adapters.
void TellSignal(const LoadSignal& signal, v1::PoolLoad& reported) {
  reported.set_runnable(signal.runnable);
  reported.set_quota_blocked(signal.quota_blocked);
  reported.set_held_by(signal.held_by);
  reported.set_required_concurrency(signal.required_concurrency);
}

// What all classes have in common, of the classes that it has.
void AddUp(v1::PoolLoad& reported) {
  absl::Duration oldest = absl::ZeroDuration();
  for (const v1::ClassLoad& its : reported.classes()) {
    reported.set_arrivals_per_second(reported.arrivals_per_second() + its.arrivals_per_second());
    reported.set_starts_per_second(reported.starts_per_second() + its.starts_per_second());
    if (its.has_oldest_wait()) oldest = std::max(oldest, FromProto(its.oldest_wait()));
  }
  if (oldest > absl::ZeroDuration()) *reported.mutable_oldest_wait() = ToProto(oldest);
}

v1::PoolLoad PoolLoadOf(const std::string& name, const Arbiter& pool) {
  const PoolLoad load = pool.Load();
  const LoadSignal signal = pool.Signal();
  v1::PoolLoad reported;
  reported.set_name(name);
  for (size_t lane = 0; lane < pool.lanes().size(); ++lane) {
    *reported.add_lanes() = LaneLoadOf(pool.lanes()[lane], pool.Load(static_cast<int>(lane)));
  }
  for (int c = chat::v1::CLASS_ACTION; c <= chat::v1::CLASS_BATCH; ++c) {
    *reported.add_classes() = ClassLoadOf(static_cast<chat::v1::TurnClass>(c), signal, pool);
  }
  reported.set_waiting(load.waiting);
  reported.set_ready(load.ready);
  reported.set_in_flight(load.in_flight);
  reported.set_concurrency(load.concurrency);
  reported.set_possible_starts_per_second(load.starts_per_second);
  reported.set_rate_factor(load.rate_factor);
  if (load.pause_left > absl::ZeroDuration()) *reported.mutable_pause() = ToProto(load.pause_left);
  reported.set_adapters_full(load.adapters_full);
  TellSignal(signal, reported);
  AddUp(reported);
  return reported;
}

}  // namespace

v1::Load LoadOf(const Pools& pools, int64_t open_streams, absl::Time now) {
  std::vector<std::string> names;
  for (const auto& [name, pool] : pools) names.push_back(name);
  std::sort(names.begin(), names.end());
  v1::Load load;
  *load.mutable_time() = ToProto(now);
  int64_t required = 0;
  for (const std::string& name : names) {
    *load.add_pools() = PoolLoadOf(name, *pools.at(name));
    required += load.pools().rbegin()->required_concurrency();
  }
  load.set_required_concurrency(required);
  load.set_open_streams(open_streams);
  return load;
}

}  // namespace penstock::dispatcher
