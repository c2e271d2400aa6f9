// A dispatcher over fake peers and a journal in memory, for its tests.
#pragma once

#include <future>
#include <thread>

#include <boost/asio/executor_work_guard.hpp>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "libs/async/inline_executor.h"
#include "libs/base/proto_time.h"
#include "libs/base/refusal.h"
#include "libs/base/skewed_clock.h"
#include "libs/host/health.h"
#include "libs/identity/testing.h"
#include "services/dispatcher/dispatcher_core.h"
#include "services/dispatcher/queue/fake_journal.h"
#include "services/dispatcher/queue/faulty_journal.h"
#include "services/dispatcher/turn/fake_peers.h"

namespace penstock::dispatcher {

using chat::v1::Turn;
using chat::v1::TurnEvent;

inline constexpr absl::Duration kPatience = absl::Seconds(20);

inline config::v1::Config TestConfig() {
  config::v1::Config config;
  *config.mutable_turn()->mutable_disconnect_grace() = ToProto(absl::Milliseconds(20));
  *config.mutable_turn()->mutable_commit_patience() = ToProto(absl::Milliseconds(1));
  *config.mutable_turn()->mutable_event_retention() = ToProto(absl::Seconds(30));
  config.mutable_turn()->set_event_retention_bytes(1 << 20);
  config.mutable_turn()->set_max_attempts(3);
  config.mutable_turn()->set_max_starts(3);
  config.mutable_turn()->set_max_waiting(100);
  config.mutable_turn()->set_max_output_bytes(1 << 20);
  *config.mutable_turn()->mutable_tool_timeout() = ToProto(absl::Minutes(5));
  config.mutable_turn()->set_max_tool_calls(25);
  config.mutable_turn()->set_max_tool_results_bytes(1000);
  config.mutable_session()->set_max_queued(3);
  config.mutable_session()->set_max_history_turns(20);
  config.mutable_session()->set_resolve_cache_entries(100);
  config.mutable_journal()->set_shards(2);
  *config.mutable_journal()->mutable_request_id_ttl() = ToProto(absl::Hours(24));
  *config.mutable_recall()->mutable_timeout() = ToProto(absl::Milliseconds(150));
  config.mutable_recall()->set_max_memories(15);
  config.mutable_job()->set_max_in_flight(2);
  auto& queue = *config.mutable_queue();
  queue.set_max_waiting_tokens(2'000'000'000);
  queue.set_max_tenant_share(1);
  queue.set_max_held_bytes(int64_t{1} << 30);
  queue.set_first_turns_per_hour(6);
  queue.set_max_action_share(0.1);
  queue.set_max_first_share(0.5);
  queue.set_paid_cap(1);
  queue.set_free_cap(1);
  queue.set_batch_cap(1);
  for (auto* wait : {queue.mutable_action_max_wait(), queue.mutable_paid_max_wait(),
                     queue.mutable_free_max_wait(), queue.mutable_batch_max_wait()}) {
    *wait = ToProto(absl::Hours(24));
  }
  for (const auto& [name, turn_class] : {std::pair("free", "FREE"), {"paid", "PAID"}}) {
    auto* tier = config.add_tiers();
    tier->set_name(name);
    tier->set_turn_class(turn_class);
  }
  auto* model = config.add_models();
  model->set_name("sim/echo");
  model->set_context_window_tokens(10000);
  model->set_max_output_tokens(100);
  model->set_concurrency(2);
  model->mutable_price()->set_input(1);
  model->mutable_price()->set_output(2);
  auto* agent = config.add_agents();
  agent->set_id("default");
  agent->set_model("sim/echo");
  agent->set_recall(true);
  agent->set_remember(true);
  agent->add_tools()->set_name("look_up");
  return config;
}

class DispatcherCoreTest : public testing::Test {
 protected:
  DispatcherCoreTest() : worker_([this] { io_.run(); }) { Restart(); }
  ~DispatcherCoreTest() override {
    core_.reset();
    work_.reset();
    worker_.join();
  }

  // A new life on the same journal; the old one ends like a crash for its turns.
  void Restart() {
    core_.reset();
    core_ = std::make_unique<DispatcherCore>(environment_, Peers{session_, memory_, provider_},
                                             faulty_journal_);
    const absl::Status recovered = Run(core_->Recover());
    ASSERT_TRUE(recovered.ok()) << recovered;
  }

  template <class T>
  T Run(Awaitable<T> coroutine) {
    std::promise<T> done;
    Spawn(environment_.executor, [](Awaitable<T> inner, std::promise<T>& out) -> Awaitable<void> {
      out.set_value(co_await std::move(inner));
    }(std::move(coroutine), done));
    return done.get_future().get();
  }

  v1::SubmitTurnRequest Request(const std::string& text, const std::string& session = "s1") {
    v1::SubmitTurnRequest request;
    request.set_session("sessions/" + session);
    request.set_request_id("r-" + std::to_string(next_request_++));
    request.mutable_turn()->add_input()->mutable_text()->set_text(text);
    request.mutable_turn()->set_create_session(true);
    request.set_job(true);
    *request.mutable_deadline() = ToProto(absl::Now() + absl::Hours(24));
    return request;
  }

  absl::StatusOr<Submission> Submit(v1::SubmitTurnRequest request) {
    return Run(core_->Submit(principal_, std::move(request), "", false));
  }
  std::string Accepted(v1::SubmitTurnRequest request) {
    const auto submission = Submit(std::move(request));
    EXPECT_TRUE(submission.ok()) << submission.status();
    return submission.ok() ? submission->turn_name : "";
  }

  // Every event from `after` to the end.
  std::vector<TurnEvent> Watch(const std::string& name, int64_t after = 0) {
    return Run(WatchAll(*core_, principal_, name, after));
  }
  static Awaitable<std::vector<TurnEvent>> WatchAll(DispatcherCore& core,
                                                    identity::Principal principal, std::string name,
                                                    int64_t after) {
    std::vector<TurnEvent> all;
    auto events = co_await core.Watch(principal, name, after, false);
    EXPECT_TRUE(events.ok()) << events.status();
    for (bool end = !events.ok(); !end;) {
      auto batch = co_await events->Next({});
      EXPECT_TRUE(batch.ok()) << batch.status();
      if (!batch.ok()) break;
      for (auto& event : batch->events) all.push_back(std::move(event));
      end = batch->end;
    }
    co_return all;
  }
  Turn Outcome(const std::string& name) {
    const auto events = Watch(name);
    return events.empty() ? Turn() : events.back().finished().turn();
  }

  template <class Condition>
  static bool Eventually(Condition condition) {
    const absl::Time until = absl::Now() + kPatience;
    while (!condition()) {
      if (absl::Now() > until) return false;
      std::this_thread::yield();
    }
    return true;
  }

  boost::asio::io_context io_;
  boost::asio::executor_work_guard<boost::asio::io_context::executor_type> work_ =
      boost::asio::make_work_guard(io_);
  // A test may change it before it submits.
  config::v1::Config config_ = TestConfig();
  AsioTimers timers_{io_};
  SkewedClock clock_;
  BoundedExecutor blocking_{1, 16};
  obs::Metrics metrics_;
  host::Health health_;
  const host::Environment environment_{
      config_, io_, InlineExecutor(io_), timers_, clock_, blocking_, metrics_, health_};
  const identity::Principal principal_{
      "t1", "u1", "free", {}, absl::Now(), "", identity::UserKeyForTest("t1", "u1")};
  FakeSessionPeer session_;
  FakeMemoryPeer memory_;
  FakeProviderPeer provider_;
  FakeJournal journal_;
  // Of the journal's operations.
  FaultPlan faults_;
  FaultyJournal faulty_journal_{journal_, faults_};
  int next_request_ = 1;
  std::thread worker_;
  std::unique_ptr<DispatcherCore> core_;
};

}  // namespace penstock::dispatcher
