#include "services/cli/queue_view.h"

#include <algorithm>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "libs/base/proto_time.h"

#include "absl/strings/str_cat.h"

namespace penstock::cli {
namespace {

using dispatcher::v1::LaneLoad;
using dispatcher::v1::Load;
using dispatcher::v1::PoolLoad;
using testing::HasSubstr;
using testing::Not;

PoolLoad IdlePool(const std::string& name) {
  PoolLoad pool;
  pool.set_name(name);
  pool.set_concurrency(8);
  pool.set_rate_factor(1);
  auto* lane = pool.add_lanes();
  lane->set_name(name.substr(0, name.find('/')));
  lane->set_concurrency(8);
  lane->set_rate_factor(1);
  for (int c = chat::v1::CLASS_ACTION; c <= chat::v1::CLASS_BATCH; ++c) {
    pool.add_classes()->set_turn_class(static_cast<chat::v1::TurnClass>(c));
  }
  return pool;
}

PoolLoad BusyPool(const std::string& name) {
  PoolLoad pool = IdlePool(name);
  pool.set_waiting(28);
  pool.set_ready(26);
  pool.set_in_flight(2);
  pool.set_concurrency(2);
  pool.set_possible_starts_per_second(0.5);
  pool.mutable_lanes(0)->set_in_flight(2);
  pool.mutable_lanes(0)->set_concurrency(2);
  auto* paid = pool.mutable_classes(2);
  paid->set_waiting(1234);
  paid->set_ready(26);
  paid->set_running(2);
  *paid->mutable_oldest_wait() = ToProto(absl::Seconds(12));
  paid->set_arrivals_per_second(25.4);
  paid->set_starts_per_second(0.5);
  paid->set_refused_per_second(1.25);
  *paid->mutable_wait_p50() = ToProto(absl::Milliseconds(350));
  *paid->mutable_wait_p90() = ToProto(absl::Milliseconds(1200));
  *paid->mutable_eta_p50() = ToProto(absl::Minutes(41));
  *paid->mutable_eta_p90() = ToProto(absl::Hours(2));
  return pool;
}

Load LoadOf(const std::vector<PoolLoad>& pools) {
  Load load;
  *load.mutable_time() = ToProto(absl::FromUnixSeconds(1'800'000'000));
  for (const PoolLoad& pool : pools) *load.add_pools() = pool;
  return load;
}

TEST(QueueView, SaysHowManyTurnsMoreAdaptersCouldStart) {
  PoolLoad pool = BusyPool("sim/echo");
  pool.set_runnable(7);

  EXPECT_NE(QueueText(LoadOf({pool})).find("up to 0.5 starts/s, 7 want adapters\n"),
            std::string::npos);
}

TEST(QueueView, ShowsPoolsByNameWithLanesAndClasses) {
  EXPECT_EQ(QueueText(LoadOf({IdlePool("sim/slow"), BusyPool("sim/echo")})),
            "2027-01-15 08:00:00 UTC  2 pools, 28 waiting, 2 in flight\n"
            "\n"
            "sim/echo  28 waiting, 26 ready, 2 of 2 in flight, up to 0.5 starts/s\n"
            "  lane sim  2 of 2 in flight\n"
            "  CLASS   WAITING  READY  RUNNING  OLDEST  IN/S  STARTS/S  WAIT P50  WAIT P90  ETA P50"
            "  ETA P90  REFUSED/S\n"
            "  ACTION        0      0        0       -     0         0         -         -      now"
            "      now          0\n"
            "  FIRST         0      0        0       -     0         0         -         -      now"
            "      now          0\n"
            "  PAID       1234     26        2    12 s    25       0.5    350 ms     1.2 s   41 min"
            "      2 h        1.2\n"
            "  FREE          0      0        0       -     0         0         -         -      now"
            "      now          0\n"
            "  BATCH         0      0        0       -     0         0         -         -      now"
            "      now          0\n"
            "\n"
            "sim/slow  idle\n");
}

TEST(QueueView, SaysWhatIsWrongWithALane) {
  PoolLoad pool = IdlePool("sim/echo");
  pool.mutable_lanes(0)->set_name("east");
  *pool.add_lanes() = pool.lanes(0);
  pool.mutable_lanes(1)->set_name("west-2");
  *pool.add_lanes() = pool.lanes(0);
  pool.mutable_lanes(0)->set_rate_factor(0.7);
  *pool.mutable_lanes(0)->mutable_pause() = ToProto(absl::Seconds(3));
  pool.mutable_lanes(1)->set_breaker(LaneLoad::OPEN);
  pool.mutable_lanes(2)->set_breaker(LaneLoad::CLOSED);
  pool.set_rate_factor(0.9);

  const std::string idle = QueueText(LoadOf({pool}));
  pool.set_in_flight(1);
  const std::string busy = QueueText(LoadOf({pool}));

  EXPECT_THAT(idle, HasSubstr("\nsim/echo  idle, rate 90 %\n"
                              "  lane east    0 of 8 in flight, rate 70 %, paused 3 s\n"
                              "  lane west-2  0 of 8 in flight, breaker open\n"));
  EXPECT_THAT(idle, Not(HasSubstr("CLASS")));
  EXPECT_EQ(std::count(idle.begin(), idle.end(), '\n'), 5);
  EXPECT_EQ(std::count(busy.begin(), busy.end(), '\n'), 12);
}

TEST(QueueView, APoolIsNotIdleWhileItRefuses) {
  PoolLoad pool = IdlePool("sim/echo");
  pool.mutable_classes(4)->set_refused_per_second(3);

  EXPECT_THAT(QueueText(LoadOf({pool})), Not(HasSubstr("idle")));
}

TEST(QueueView, LeavesOutColumnsThatDoNotFit) {
  const Load load = LoadOf({BusyPool("sim/echo")});
  const auto heading = [&load](size_t width) { return QueueView(load, width)[4].text; };

  EXPECT_LE(heading(80).size(), 80);
  EXPECT_EQ(heading(80),
            "  CLASS   WAITING  READY  RUNNING  OLDEST  IN/S  STARTS/S  ETA P50  REFUSED/S");
  EXPECT_EQ(heading(0), "  CLASS   WAITING  RUNNING  OLDEST");
  EXPECT_THAT(heading(kAnyWidth), HasSubstr("WAIT P90"));
}

TEST(QueueView, IdlePoolsStandCloseTogether) {
  EXPECT_THAT(QueueText(LoadOf({IdlePool("a/a"), IdlePool("a/b"), BusyPool("b/a")})),
              HasSubstr("in flight\n\na/a  idle\na/b  idle\n\nb/a  28 waiting"));
}

TEST(QueueView, NoPoolIsALineOfItsTime) {
  EXPECT_EQ(QueueText(LoadOf({})), "2027-01-15 08:00:00 UTC  0 pools, 0 waiting, 0 in flight\n");
}

}  // namespace
}  // namespace penstock::cli
