// What those see who operate the dispatcher, over fake peers and a journal in memory.

#include "services/dispatcher/dispatcher_fixture.h"

namespace penstock::dispatcher {
namespace {

class DispatcherLoadTest : public DispatcherCoreTest {
 protected:
  v1::Load Load() {
    identity::Principal caller = principal_;
    caller.scopes = {"operator"};
    const auto load = core_->GetLoad(caller);
    EXPECT_TRUE(load.ok()) << load.status();
    return load.ok() ? *load : v1::Load();
  }
  v1::PoolLoad Pool() {
    const v1::Load load = Load();
    return load.pools_size() == 0 ? v1::PoolLoad() : load.pools(0);
  }
  v1::ClassLoad Of(chat::v1::TurnClass turn_class) { return Pool().classes(turn_class - 1); }
  absl::Status Submit(chat::v1::Urgency urgency, int64_t refused_alike = 0) {
    auto request = Request("x", "s" + std::to_string(++sessions_));
    request.set_refused_alike(refused_alike);
    request.mutable_turn()->set_urgency(urgency);
    return DispatcherCoreTest::Submit(std::move(request)).status();
  }

  int sessions_ = 0;
};

TEST_F(DispatcherLoadTest, NeedsTheScopeOperator) {
  const absl::Status refused = core_->GetLoad(principal_).status();

  EXPECT_EQ(refused.code(), absl::StatusCode::kPermissionDenied);
  EXPECT_EQ(ReasonOf(refused), "SCOPE_MISSING");
  EXPECT_EQ(MetadataOf(refused, "scope"), "operator");
}

TEST_F(DispatcherLoadTest, AnIdlePoolHasItsLaneAndAllClasses) {
  const v1::Load load = Load();

  EXPECT_TRUE(load.has_time());
  ASSERT_EQ(load.pools_size(), 1);
  const v1::PoolLoad& pool = load.pools(0);
  EXPECT_EQ(pool.name(), "sim/echo");
  EXPECT_EQ(pool.concurrency(), 2);
  EXPECT_EQ(pool.rate_factor(), 1);
  EXPECT_FALSE(pool.has_pause());
  ASSERT_EQ(pool.lanes_size(), 1);
  EXPECT_EQ(pool.lanes(0).name(), "sim");
  EXPECT_EQ(pool.lanes(0).concurrency(), 2);
  ASSERT_EQ(pool.classes_size(), 5);
  EXPECT_EQ(pool.classes(0).turn_class(), chat::v1::CLASS_ACTION);
  EXPECT_EQ(pool.classes(4).turn_class(), chat::v1::CLASS_BATCH);
  EXPECT_FALSE(pool.classes(0).has_oldest_wait());
  EXPECT_FALSE(pool.classes(0).has_wait_p50());
  EXPECT_EQ(FromProto(pool.classes(0).eta_p50()), absl::ZeroDuration());
}

TEST_F(DispatcherLoadTest, TellsWhatWaitsAndRuns) {
  for (int i = 0; i < 2; ++i) provider_.Next({.events = {}, .end = {}, .hangs = true});
  for (int i = 0; i < 5; ++i) ASSERT_TRUE(Submit(chat::v1::BATCH).ok());
  ASSERT_TRUE(Eventually([&] { return Pool().ready() == 3; }));

  const v1::PoolLoad pool = Pool();
  EXPECT_EQ(pool.waiting(), 3);
  EXPECT_EQ(pool.in_flight(), 2);
  EXPECT_EQ(pool.lanes(0).in_flight(), 2);
  EXPECT_GT(pool.possible_starts_per_second(), 0);
  const v1::ClassLoad batch = Of(chat::v1::CLASS_BATCH);
  EXPECT_EQ(batch.waiting(), 3);
  EXPECT_EQ(batch.ready(), 3);
  EXPECT_EQ(batch.running(), 2);
  EXPECT_TRUE(batch.has_oldest_wait());
  EXPECT_TRUE(batch.has_wait_p90());
  EXPECT_GT(batch.arrivals_per_second(), batch.starts_per_second());
  EXPECT_GT(FromProto(batch.eta_p90()), FromProto(batch.eta_p50()));
  EXPECT_LT(FromProto(Of(chat::v1::CLASS_PAID).eta_p50()), FromProto(batch.eta_p50()));
  EXPECT_EQ(Of(chat::v1::CLASS_PAID).waiting(), 0);
}

TEST_F(DispatcherLoadTest, TurnsThatOnlyAdaptersLackAreRunnable) {
  provider_.Next({.events = {}, .end = {}, .hangs = true});
  ASSERT_TRUE(Submit(chat::v1::BATCH).ok());
  ASSERT_TRUE(Eventually([&] { return provider_.requests().size() == 1; }));
  for (int i = 0; i < 10000; ++i) provider_.Next({.end = absl::ResourceExhaustedError("full")});
  for (int i = 0; i < 3; ++i) ASSERT_TRUE(Submit(chat::v1::BATCH).ok());

  ASSERT_TRUE(Eventually([&] { return Pool().runnable() == 1 && Pool().quota_blocked() == 2; }));

  const v1::PoolLoad pool = Pool();
  EXPECT_TRUE(pool.adapters_full());
  EXPECT_EQ(pool.held_by(), v1::CONCURRENCY);
  EXPECT_EQ(Load().required_concurrency(), 2);
  EXPECT_GT(pool.arrivals_per_second(), 0);
  EXPECT_TRUE(pool.has_oldest_wait());
}

TEST_F(DispatcherLoadTest, ACallThatNoAdapterTookIsNoAttempt) {
  for (int i = 0; i < 5; ++i) provider_.Next({.end = absl::ResourceExhaustedError("full")});
  const std::string name = Accepted(Request("x"));

  EXPECT_EQ(Outcome(name).state(), chat::v1::Turn::SUCCEEDED);

  ASSERT_EQ(provider_.requests().size(), 6u);
  for (const auto& request : provider_.requests()) EXPECT_EQ(request.attempt(), 1);
  EXPECT_EQ(Pool().in_flight(), 0);
}

TEST_F(DispatcherLoadTest, EverySeriesOfTheSignalIsThereFromTheBeginning) {
  const std::string shown = metrics_.Render();

  for (const std::string series :
       {R"(penstock_dispatcher_required_concurrency{pool="sim/echo"} 0)",
        R"(penstock_dispatcher_pool_runnable{pool="sim/echo"} 0)",
        R"(penstock_dispatcher_pool_quota_blocked{pool="sim/echo",reason="input_tokens"} 0)",
        R"(penstock_dispatcher_class_runnable{class="CLASS_BATCH",pool="sim/echo"} 0)"}) {
    EXPECT_NE(shown.find(series), std::string::npos) << series;
  }
}

TEST_F(DispatcherLoadTest, CountsWhatThePoolWasTooFullFor) {
  config_.mutable_turn()->set_max_waiting(4);
  Restart();
  for (int i = 0; i < 2; ++i) provider_.Next({.events = {}, .end = {}, .hangs = true});
  for (int i = 0; i < 2; ++i) ASSERT_TRUE(Submit(chat::v1::BATCH).ok());
  ASSERT_TRUE(Eventually([&] { return provider_.requests().size() == 2; }));
  for (int i = 0; i < 2; ++i) ASSERT_TRUE(Submit(chat::v1::BATCH).ok());
  EXPECT_EQ(Of(chat::v1::CLASS_BATCH).refused_per_second(), 0);

  EXPECT_EQ(ReasonOf(Submit(chat::v1::BATCH)), "QUEUE_FULL");
  const double once = Of(chat::v1::CLASS_BATCH).refused_per_second();
  EXPECT_EQ(ReasonOf(Submit(chat::v1::BATCH, /*refused_alike=*/99)), "QUEUE_FULL");

  EXPECT_GT(once, 0);
  EXPECT_GT(Of(chat::v1::CLASS_BATCH).refused_per_second(), 50 * once);
  EXPECT_THAT(metrics_.Render(),
              testing::HasSubstr("penstock_dispatcher_refused_total{class=\"CLASS_BATCH\","
                                 "reason=\"QUEUE_FULL\"} 101"));
  EXPECT_EQ(Of(chat::v1::CLASS_FREE).refused_per_second(), 0);
}

}  // namespace
}  // namespace penstock::dispatcher
