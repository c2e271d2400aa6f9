// The dispatcher over fake peers and a journal in memory: the rules of a turn's life.

#include "services/dispatcher/dispatcher_core.h"

#include <future>
#include <thread>

#include <boost/asio/executor_work_guard.hpp>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "libs/async/inline_executor.h"
#include "libs/base/proto_time.h"
#include "libs/base/refusal.h"
#include "libs/host/health.h"
#include "libs/identity/testing.h"
#include "services/dispatcher/queue/fake_journal.h"
#include "services/dispatcher/turn/fake_peers.h"

namespace penstock::dispatcher {
namespace {

using chat::v1::Turn;
using chat::v1::TurnEvent;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::SizeIs;

constexpr absl::Duration kPatience = absl::Seconds(20);

config::v1::Config TestConfig() {
  config::v1::Config config;
  *config.mutable_turn()->mutable_disconnect_grace() = ToProto(absl::Milliseconds(20));
  *config.mutable_turn()->mutable_commit_patience() = ToProto(absl::Milliseconds(1));
  *config.mutable_turn()->mutable_event_retention() = ToProto(absl::Seconds(30));
  config.mutable_turn()->set_event_retention_bytes(1 << 20);
  config.mutable_turn()->set_max_attempts(3);
  config.mutable_turn()->set_max_starts(3);
  config.mutable_turn()->set_max_waiting(100);
  config.mutable_session()->set_max_queued(3);
  config.mutable_session()->set_max_history_turns(20);
  config.mutable_session()->set_resolve_cache_entries(100);
  config.mutable_journal()->set_shards(2);
  *config.mutable_journal()->mutable_request_id_ttl() = ToProto(absl::Hours(24));
  *config.mutable_recall()->mutable_timeout() = ToProto(absl::Milliseconds(150));
  config.mutable_recall()->set_max_memories(15);
  config.mutable_job()->set_max_in_flight(2);
  auto* model = config.add_models();
  model->set_name("sim/echo");
  model->set_context_window_tokens(10000);
  model->set_max_output_tokens(100);
  model->set_concurrency(2);
  auto* agent = config.add_agents();
  agent->set_id("default");
  agent->set_model("sim/echo");
  agent->set_recall(true);
  agent->set_remember(true);
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
                                             journal_);
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
    *request.mutable_deadline() = ToProto(absl::Now() + absl::Seconds(60));
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
  const config::v1::Config config_ = TestConfig();
  AsioTimers timers_{io_};
  BoundedExecutor blocking_{1, 16};
  obs::Metrics metrics_;
  host::Health health_;
  const host::Environment environment_{
      config_, io_, InlineExecutor(io_), timers_, SystemClock(), blocking_, metrics_, health_};
  const identity::Principal principal_{
      "t1", "u1", "free", {}, absl::Now(), "", identity::UserKeyForTest("t1", "u1")};
  FakeSessionPeer session_;
  FakeMemoryPeer memory_;
  FakeProviderPeer provider_;
  FakeJournal journal_;
  int next_request_ = 1;
  std::thread worker_;
  std::unique_ptr<DispatcherCore> core_;
};

TEST_F(DispatcherCoreTest, RunsATurnFromAcceptedToFinished) {
  const std::string name = Accepted(Request("hello"));

  const auto events = Watch(name);

  ASSERT_THAT(events, SizeIs(5));
  EXPECT_EQ(events[0].accepted().turn(), name);
  EXPECT_EQ(events[1].started().model(), "sim/echo");
  EXPECT_EQ(events[2].delta().text(), "ok");
  EXPECT_TRUE(events[3].has_step_finished());
  const Turn& turn = events[4].finished().turn();
  EXPECT_EQ(turn.state(), Turn::SUCCEEDED);
  EXPECT_EQ(turn.sequence(), 1);
  EXPECT_EQ(turn.cost_nano_usd(), 1234);
  EXPECT_EQ(turn.run(), 1);
  for (size_t i = 1; i < events.size(); ++i) EXPECT_GT(events[i].index(), events[i - 1].index());
}

TEST_F(DispatcherCoreTest, HandsTheEndedTurnToMemoryAndForgetsTheJob) {
  const std::string name = Accepted(Request("hello"));
  memory_.FailIngests({absl::UnavailableError("memory-recall is away")});

  EXPECT_TRUE(Eventually([&] { return memory_.ingested() == std::vector<std::string>{name}; }));
  EXPECT_TRUE(Eventually([&] { return journal_.jobs() == 0 && journal_.unfinished().empty(); }));
}

TEST_F(DispatcherCoreTest, TurnsOfASessionRunOneAtATimeInOrder) {
  provider_.Next({.events = {}, .end = {}, .hangs = true});
  const std::string first = Accepted(Request("1"));
  const std::string second = Accepted(Request("2"));
  const std::string third = Accepted(Request("3"));
  ASSERT_TRUE(Eventually([&] { return provider_.requests().size() == 1; }));
  EXPECT_EQ(session_.begins().size(), 1u);

  v1::CancelTurnRequest cancel;
  cancel.set_name(first);
  ASSERT_TRUE(Run(core_->Cancel(principal_, cancel)).ok());
  EXPECT_EQ(Outcome(third).sequence(), 3);

  EXPECT_THAT(session_.commits(), ElementsAre(first, second, third));
}

TEST_F(DispatcherCoreTest, RefusesMoreTurnsThanASessionMayQueue) {
  provider_.Next({.events = {}, .end = {}, .hangs = true});
  for (int i = 0; i < 3; ++i) Accepted(Request("x"));

  const auto fourth = Submit(Request("x"));

  EXPECT_EQ(ReasonOf(fourth.status()), "SESSION_QUEUE_FULL");
  EXPECT_TRUE(RetryAfterOf(fourth.status()).has_value());
}

TEST_F(DispatcherCoreTest, SameRequestIdIsTheSameTurn) {
  auto request = Request("hello");
  const std::string name = Accepted(request);

  EXPECT_EQ(Accepted(request), name);
  Outcome(name);
  EXPECT_EQ(Accepted(request), name);
  request.mutable_turn()->mutable_input(0)->mutable_text()->set_text("other");
  EXPECT_EQ(ReasonOf(Submit(request).status()), "REQUEST_ID_REUSED");
  EXPECT_EQ(provider_.requests().size(), 1u);
}

TEST_F(DispatcherCoreTest, RefusesBeforeAnythingIsStored) {
  auto unknown = Request("x");
  unknown.mutable_turn()->set_create_session(false);
  auto agent = Request("x");
  agent.mutable_turn()->set_agent("agents/none");
  auto action = Request("x");
  action.mutable_turn()->set_urgency(chat::v1::ACTION);
  auto late = Request("x");
  *late.mutable_deadline() = ToProto(absl::Now() - absl::Seconds(1));
  auto model = Request("x");
  model.mutable_turn()->mutable_overrides()->set_model("sim/echo");

  EXPECT_EQ(ReasonOf(Submit(unknown).status()), "SESSION_NOT_FOUND");
  EXPECT_EQ(ReasonOf(Submit(agent).status()), "AGENT_NOT_FOUND");
  EXPECT_EQ(ReasonOf(Submit(action).status()), "SCOPE_MISSING");
  EXPECT_EQ(ReasonOf(Submit(late).status()), "DEADLINE_IN_PAST");
  EXPECT_EQ(ReasonOf(Submit(model).status()), "OVERRIDE_FORBIDDEN");
  EXPECT_TRUE(journal_.unfinished().empty());
}

TEST_F(DispatcherCoreTest, AJournalThatCannotBeWrittenRefusesTheTurn) {
  journal_.Refuse(Refusal(absl::StatusCode::kUnavailable, "STORE_UNAVAILABLE", "disk full"));

  EXPECT_EQ(ReasonOf(Submit(Request("x")).status()), "STORE_UNAVAILABLE");
  EXPECT_TRUE(core_->ListLive(principal_, "sessions/-")->empty());
}

TEST_F(DispatcherCoreTest, TriesAgainWhileTheCallerHasSeenNothing) {
  provider_.Next({.events = {FakeProviderPeer::Failure(chat::v1::PROVIDER_OVERLOADED)}, .end = {}});

  const Turn turn = Outcome(Accepted(Request("x")));

  EXPECT_EQ(turn.state(), Turn::SUCCEEDED);
  ASSERT_EQ(provider_.requests().size(), 2u);
  EXPECT_EQ(provider_.requests()[1].attempt(), 2);
}

TEST_F(DispatcherCoreTest, AFailureAfterTheFirstDeltaEndsTheTurnWithItsPartialOutput) {
  provider_.Next({.events = {FakeProviderPeer::Delta("half an ans"),
                             FakeProviderPeer::Failure(chat::v1::STREAM_TRUNCATED)},
                  .end = {}});

  const Turn turn = Outcome(Accepted(Request("x")));

  EXPECT_EQ(turn.state(), Turn::FAILED);
  EXPECT_EQ(ReasonOf(FromRpcStatus(turn.error())), "STREAM_TRUNCATED");
  EXPECT_TRUE(turn.output_partial());
  EXPECT_EQ(turn.output(0).parts(0).text().text(), "half an ans");
  EXPECT_EQ(provider_.requests().size(), 1u);
}

TEST_F(DispatcherCoreTest, ACallThatNoAdapterTookIsNoAttempt) {
  provider_.Next({.events = {}, .end = absl::UnavailableError("no adapter")});

  const Turn turn = Outcome(Accepted(Request("x")));

  EXPECT_EQ(turn.state(), Turn::SUCCEEDED);
  EXPECT_EQ(provider_.requests()[1].attempt(), 1);
}

TEST_F(DispatcherCoreTest, CancelKeepsTheTextSoFarUnlessItIsToBeDiscarded) {
  for (const bool discard : {false, true}) {
    provider_.Next({.events = {FakeProviderPeer::Delta("so far")}, .end = {}, .hangs = true});
    const std::string name = Accepted(Request("x", discard ? "s2" : "s1"));
    ASSERT_TRUE(Eventually([&] {
      const auto live = core_->GetLive(principal_, name);
      return live.ok() && live->has_first_output_time();
    }));
    v1::CancelTurnRequest cancel;
    cancel.set_name(name);
    cancel.set_discard_output(discard);
    const auto answer = Run(core_->Cancel(principal_, cancel));

    ASSERT_TRUE(answer.ok()) << answer.status();
    const Turn turn = Outcome(name);
    EXPECT_EQ(turn.state(), Turn::CANCELLED);
    EXPECT_TRUE(turn.cancel_requested());
    EXPECT_EQ(turn.output_partial(), !discard);
    EXPECT_TRUE(turn.usage().estimated());
  }
}

TEST_F(DispatcherCoreTest, ACancelledTurnThatNeverBeganIsStoredWithItsInput) {
  provider_.Next({.events = {}, .end = {}, .hangs = true});
  const std::string head = Accepted(Request("1"));
  const std::string behind = Accepted(Request("2"));
  v1::CancelTurnRequest cancel;
  cancel.set_name(behind);

  ASSERT_TRUE(Run(core_->Cancel(principal_, cancel)).ok());

  const Turn turn = Outcome(behind);
  EXPECT_EQ(turn.state(), Turn::CANCELLED);
  EXPECT_EQ(turn.input(0).text().text(), "2");
  EXPECT_THAT(session_.commits(), ElementsAre(behind));
}

TEST_F(DispatcherCoreTest, AnUnwatchedTurnIsCancelledAfterTheGraceAndAJobIsNot) {
  provider_.Next({.events = {}, .end = {}, .hangs = true});
  auto request = Request("x");
  request.set_job(false);
  const std::string name = Accepted(request);

  EXPECT_TRUE(Eventually([&] { return !session_.commits().empty(); }));
  EXPECT_EQ(Outcome(name).state(), Turn::CANCELLED);
  EXPECT_EQ(Outcome(Accepted(Request("y"))).state(), Turn::SUCCEEDED);
}

TEST_F(DispatcherCoreTest, TheDeadlineEndsATurnExpired) {
  provider_.Next({.events = {FakeProviderPeer::Delta("so far")}, .end = {}, .hangs = true});
  auto request = Request("x");
  *request.mutable_deadline() = ToProto(absl::Now() + absl::Milliseconds(100));

  const Turn turn = Outcome(Accepted(request));

  EXPECT_EQ(turn.state(), Turn::EXPIRED);
  EXPECT_EQ(ReasonOf(FromRpcStatus(turn.error())), "DEADLINE");
  EXPECT_TRUE(turn.output_partial());
}

TEST_F(DispatcherCoreTest, WaitsForSessionStateBeforeAndAfterTheGeneration) {
  session_.FailBegins({absl::UnavailableError("away"), absl::DeadlineExceededError("slow")});
  session_.FailCommits({absl::UnavailableError("away"), absl::UnavailableError("away")});

  const Turn turn = Outcome(Accepted(Request("x")));

  EXPECT_EQ(turn.state(), Turn::SUCCEEDED);
  EXPECT_EQ(provider_.requests().size(), 1u);
}

TEST_F(DispatcherCoreTest, GoesOnWithoutMemoriesWhenRecallFails) {
  memory_.recall = absl::DeadlineExceededError("too slow");

  EXPECT_TRUE(Outcome(Accepted(Request("x"))).recall_degraded());
}

TEST_F(DispatcherCoreTest, RunsAnUnfinishedTurnAgainAfterARestart) {
  provider_.Next({.events = {FakeProviderPeer::Delta("lost")}, .end = {}, .hangs = true});
  const std::string name = Accepted(Request("x"));
  ASSERT_TRUE(Eventually([&] {
    const auto unfinished = journal_.unfinished();
    return !unfinished.empty() && unfinished.begin()->second.started.has_value() &&
           !provider_.requests().empty();
  }));

  Restart();

  const Turn turn = Outcome(name);
  EXPECT_EQ(turn.state(), Turn::SUCCEEDED);
  EXPECT_EQ(turn.run(), 2);
  const auto begins = session_.begins();
  EXPECT_LT(begins.front().fence().epoch(), begins.back().fence().epoch());
}

TEST_F(DispatcherCoreTest, SettlesATurnThatHadEndedBeforeTheCrashWithoutAProviderCall) {
  provider_.Next({.events = {}, .end = {}, .hangs = true});
  const std::string name = Accepted(Request("x"));
  ASSERT_TRUE(Eventually([&] { return !provider_.requests().empty(); }));
  Turn ended;
  ended.set_name(name);
  ended.set_state(Turn::SUCCEEDED);
  session_.End(ended);

  Restart();

  EXPECT_EQ(Outcome(name).state(), Turn::SUCCEEDED);
  EXPECT_EQ(provider_.requests().size(), 1u);
  EXPECT_TRUE(Eventually([&] { return journal_.unfinished().empty(); }));
}

TEST_F(DispatcherCoreTest, CommitsAGenerationThatWasKeptBeforeTheCrash) {
  session_.FailCommits(std::vector<absl::Status>(1000, absl::UnavailableError("away")));
  const std::string name = Accepted(Request("x"));
  ASSERT_TRUE(Eventually([&] {
    const auto unfinished = journal_.unfinished();
    return !unfinished.empty() && unfinished.begin()->second.generated.has_value();
  }));
  session_.FailCommits({});
  session_.ForgetBegins();

  Restart();

  EXPECT_EQ(Outcome(name).output(0).parts(0).text().text(), "ok");
  EXPECT_EQ(provider_.requests().size(), 1u);
}

TEST_F(DispatcherCoreTest, ATurnThatKilledItsProcessThreeTimesIsADeadLetter) {
  for (int i = 0; i < 4; ++i) provider_.Next({.events = {}, .end = {}, .hangs = true});
  const std::string name = Accepted(Request("x"));
  for (size_t run = 1; run <= 3; ++run) {
    ASSERT_TRUE(Eventually([&] { return provider_.requests().size() == run; }));
    Restart();
  }

  const Turn turn = Outcome(name);

  EXPECT_EQ(turn.state(), Turn::FAILED);
  EXPECT_EQ(ReasonOf(FromRpcStatus(turn.error())), "DEAD_LETTER");
  EXPECT_EQ(provider_.requests().size(), 3u);
}

TEST_F(DispatcherCoreTest, GivesTheShardUpWhenItIsFenced) {
  session_.Fence();
  const std::string name = Accepted(Request("x"));

  EXPECT_TRUE(Eventually([&] { return ReasonOf(Submit(Request("y")).status()) == "OWNER_MOVED"; }));
  EXPECT_TRUE(session_.commits().empty());
  EXPECT_TRUE(journal_.unfinished().contains(name.substr(name.rfind('/') + 1)));
}

TEST_F(DispatcherCoreTest, AWatcherOfAnOlderRunIsToldToForgetItsDeltas) {
  provider_.Next({.events = {FakeProviderPeer::Delta("lost")}, .end = {}, .hangs = true});
  const std::string name = Accepted(Request("x"));
  ASSERT_TRUE(Eventually([&] {
    const auto live = core_->GetLive(principal_, name);
    return live.ok() && live->has_first_output_time();
  }));
  // As seen before the crash: an index of the first run.
  const int64_t seen = PackEventIndex({.epoch = 1, .run = 1, .sequence = 4});
  ASSERT_TRUE(Eventually([&] {
    const auto unfinished = journal_.unfinished();
    return unfinished.begin()->second.started.has_value();
  }));

  Restart();

  const auto events = Watch(name, seen);
  ASSERT_FALSE(events.empty());
  EXPECT_TRUE(events.front().has_restarted());
  EXPECT_GT(events.front().index(), seen);
}

TEST_F(DispatcherCoreTest, AnEndedTurnIsWatchedFromSessionStateOnceItsEventsAreGone) {
  const std::string name = Accepted(Request("x"));
  Outcome(name);
  Restart();

  const auto events = Watch(name);

  ASSERT_THAT(events, SizeIs(3));
  EXPECT_TRUE(events[0].has_accepted());
  EXPECT_EQ(events[1].step_finished().message().parts(0).text().text(), "ok");
  EXPECT_EQ(events[2].finished().turn().state(), Turn::SUCCEEDED);
}

TEST_F(DispatcherCoreTest, DeletingASessionCancelsItsTurnsFirst) {
  provider_.Next({.events = {}, .end = {}, .hangs = true});
  Accepted(Request("1"));
  Accepted(Request("2"));

  ASSERT_TRUE(Run(core_->CancelSession(principal_, "sessions/s1")).ok());

  EXPECT_EQ(session_.commits().size(), 2u);
  EXPECT_TRUE(core_->ListLive(principal_, "sessions/s1")->empty());
}

TEST_F(DispatcherCoreTest, AnotherUsersTurnIsNotFound) {
  const std::string name = Accepted(Request("x"));
  const identity::Principal other{
      "t1", "u11", "free", {}, absl::Now(), "", identity::UserKeyForTest("t1", "u11")};

  EXPECT_EQ(ReasonOf(core_->GetLive(other, name).status()), "TURN_NOT_FOUND");
  EXPECT_TRUE(core_->ListLive(other, "sessions/-")->empty());
}

}  // namespace
}  // namespace penstock::dispatcher
