// Ten times more than the provider allows: what is taken is served at full rate, the rest is
// refused at once, and who is urgent does not notice.
//
// Capacity is what the simulator allows: so many requests a minute. Arrival times are fixed before;
// how late the generator sent is printed, and a run in which it could not keep up counts for
// nothing.

#include <algorithm>
#include <cmath>
#include <functional>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include <gtest/gtest.h>

#include "tests/harness/heavy_test.h"
#include "tests/harness/mesh.h"
#include "tests/harness/open_loop.h"
#include "tests/harness/process_memory.h"

#include "absl/strings/str_cat.h"

namespace penstock::harness {
namespace {

bool Failed() { return testing::Test::HasFailure(); }

struct Size {
  // Turns a second that the provider allows.
  double capacity;
  // Before the flood, its length, and after it.
  absl::Duration calm;
  absl::Duration flood;
  absl::Duration after;
  // In capacities.
  double offered;
  absl::Duration lateness;
  absl::Duration refusal;
  // Of other times, beside a busy machine.
  absl::Duration slack;
};

Size SizeOfRun() {
  if (IsFullSize()) {
    return {.capacity = 200,
            .calm = absl::Seconds(20),
            .flood = absl::Seconds(60),
            .after = absl::Seconds(30),
            .offered = 10,
            .lateness = absl::Milliseconds(5),
            .refusal = absl::Milliseconds(50),
            .slack = absl::ZeroDuration()};
  }
  return {.capacity = 30,
          .calm = absl::Seconds(3),
          .flood = absl::Seconds(6),
          .after = absl::Seconds(8),
          .offered = 5,
          .lateness = absl::Milliseconds(500),
          .refusal = absl::Seconds(1),
          .slack = absl::Seconds(1)};
}

// Turns of one kind have their own users, a session each.
Arrival Next(absl::Duration due, const std::string& kind, int number) {
  const std::string tier = kind == "paid" ? "paid" : "free";
  Arrival arrival{.due = due,
                  .user = {.user = absl::StrCat(kind, number % 50), .tier = tier},
                  .session = absl::StrCat("sessions/", kind, number),
                  .text = "Hello.\n/sim delay 50"};
  if (kind == "action") {
    arrival.user.scopes = {"turns.action"};
    arrival.urgency = chat::v1::ACTION;
  }
  if (kind == "batch") arrival.urgency = chat::v1::BATCH;
  return arrival;
}

class OverloadTest : public testing::Test {
 protected:
  void SetUp() override {
    // Two seconds of work may wait.
    const auto waiting = static_cast<int64_t>(2 * size_.capacity);
    const auto a_minute = static_cast<int64_t>(60 * size_.capacity);
    auto mesh = Mesh::Start(
        {.shape = Shape::kFiveProcesses,
         .settings = {{"models.0.limits", absl::StrCat("{requests_per_minute: ", a_minute, "}")},
                      {"models.0.concurrency", "10000"},
                      {"turn.max_waiting", absl::StrCat(waiting)},
                      // One of six turns is urgent while it is calm.
                      {"queue.max_action_share", "1"},
                      {"agents.0.recall", "false"},
                      {"agents.0.remember", "false"}},
         .simulator_flags = {absl::StrCat("--requests-per-minute=", a_minute), "--tokens=20",
                             "--events=2", "--record-limit=0"},
         .failed = Failed});
    ASSERT_TRUE(mesh.ok()) << mesh.status();
    mesh_ = *std::move(mesh);
  }

  absl::Duration FloodBegins() const { return size_.calm; }
  absl::Duration FloodEnds() const { return size_.calm + size_.flood; }
  absl::Duration End() const { return FloodEnds() + size_.after; }

  void Add(const std::string& kind, double rate, absl::Duration from, absl::Duration to) {
    for (const absl::Duration due :
         PoissonTimes(rate, from, to, static_cast<unsigned>(plan_.size()))) {
      plan_.push_back(Next(due, kind, ++numbers_[kind]));
    }
  }

  void Run() { fates_ = RunOpenLoop(*mesh_, plan_); }

  using Chosen = std::function<bool(const Arrival&, const Fate&)>;
  using Measured = std::function<absl::Duration(const Fate&)>;
  std::vector<absl::Duration> Times(const Chosen& chosen, const Measured& measured) const {
    std::vector<absl::Duration> times;
    for (size_t i = 0; i < plan_.size(); ++i) {
      if (chosen(plan_[i], fates_[i])) times.push_back(measured(fates_[i]));
    }
    return times;
  }

  // How long the urgent ones took that were due in a window.
  std::vector<absl::Duration> Urgent(absl::Duration from, absl::Duration to) const {
    return Times(
        [&](const Arrival& arrival, const Fate& fate) {
          return arrival.urgency == chat::v1::ACTION && fate.succeeded() && arrival.due >= from &&
                 arrival.due < to;
        },
        [](const Fate& fate) { return fate.ended; });
  }

  // Turns that ended well while the flood lasted, of what the provider allowed meanwhile. The first
  // second is left out: our allowance is empty at the start, and answers take their time.
  double Goodput() const {
    const absl::Duration from = FloodBegins() + absl::Seconds(1);
    int64_t ended = 0;
    for (size_t i = 0; i < plan_.size(); ++i) {
      const absl::Duration at = plan_[i].due + fates_[i].ended;
      ended += fates_[i].succeeded() && at >= from && at < FloodEnds();
    }
    return static_cast<double>(ended) /
           (size_.capacity * absl::ToDoubleSeconds(FloodEnds() - from));
  }

  // Of the five services.
  int64_t Memory(int64_t (*of)(pid_t)) const {
    int64_t sum = 0;
    for (const std::string& name : mesh_->processes().names()) {
      if (name != "providersim") sum += of(mesh_->processes().pid(name));
    }
    return sum;
  }

  const Size size_ = SizeOfRun();
  std::unique_ptr<Mesh> mesh_;
  std::vector<Arrival> plan_;
  std::vector<Fate> fates_;

 private:
  std::map<std::string, int> numbers_;
};

double Milliseconds(absl::Duration duration) {
  return std::round(absl::ToDoubleMilliseconds(duration) * 10) / 10;
}

TEST_F(OverloadTest, IsRefusedAtOnceAndTheRestIsServedAtFullRate) {
  const double part = size_.capacity * size_.offered;
  Add("action", size_.capacity / 20, absl::ZeroDuration(), End());
  Add("paid", size_.capacity / 4, absl::ZeroDuration(), FloodBegins());
  Add("paid", part * 0.3, FloodBegins(), FloodEnds());
  Add("free", part * 0.5, FloodBegins(), FloodEnds());
  Add("batch", part * 0.2, FloodBegins(), FloodEnds());
  Add("paid", size_.capacity / 4, FloodEnds(), End());
  const int64_t before = Memory(ResidentMemory);
  Run();
  const int64_t peak = Memory(PeakResidentMemory);

  const auto all = [](const Arrival&, const Fate&) { return true; };
  const absl::Duration late =
      Quantile(Times(all, [](const Fate& fate) { return fate.late; }), 0.99);
  const auto refused = [](const Arrival&, const Fate& fate) {
    return absl::IsResourceExhausted(fate.status);
  };
  const auto refusals = Times(refused, [](const Fate& fate) { return fate.answered - fate.late; });
  const absl::Duration refusal = Quantile(refusals, 0.99);
  const absl::Duration idle = Quantile(Urgent(absl::ZeroDuration(), FloodBegins()), 0.95);
  const absl::Duration flooded = Quantile(Urgent(FloodBegins(), FloodEnds()), 0.95);
  const auto normal_again = [&](const Arrival& arrival, const Fate&) {
    return arrival.due >= FloodEnds() + std::min(absl::Seconds(10), size_.after / 2);
  };
  const absl::Duration normal =
      Quantile(Times(normal_again, [](const Fate& fate) { return fate.ended; }), 0.95);
  const auto broken = Times(
      [](const Arrival&, const Fate& fate) {
        return !fate.succeeded() && !absl::IsResourceExhausted(fate.status);
      },
      [](const Fate& fate) { return fate.ended; });

  AddFigures({{"offered_a_second", std::round(part)},
              {"generator_late_p99_ms", Milliseconds(late)},
              {"refused", refusals.size()},
              {"refusal_p50_ms", Milliseconds(Quantile(refusals, 0.5))},
              {"refusal_p90_ms", Milliseconds(Quantile(refusals, 0.9))},
              {"refusal_p99_ms", Milliseconds(refusal)},
              {"goodput", std::round(Goodput() * 1000) / 1000},
              {"action_p95_ms_idle", Milliseconds(idle)},
              {"action_p95_ms_flooded", Milliseconds(flooded)},
              {"p95_ms_after", Milliseconds(normal)},
              {"memory_mib_before", before >> 20},
              {"memory_mib_peak", peak >> 20}});
  ASSERT_LE(late, size_.lateness) << "the generator could not keep up: this run says nothing";
  EXPECT_TRUE(broken.empty()) << broken.size() << " turns neither succeeded nor were refused";
  EXPECT_GE(Goodput(), 0.95);
  EXPECT_LE(refusal, size_.refusal);
  EXPECT_LE(flooded, 2 * idle + size_.slack);
  EXPECT_LE(normal, 2 * idle + size_.slack);
  EXPECT_LE(peak - before, int64_t{256} << 20);
}

// Past what the processors can do: the provider allows everything, and twice the best rate is
// offered.
class CpuOverloadTest : public testing::Test {
 protected:
  void SetUp() override {
    auto mesh = Mesh::Start({.shape = Shape::kFiveProcesses,
                             .settings = {{"models.0.concurrency", "10000"},
                                          {"queue.max_first_share", "1"},
                                          {"agents.0.recall", "false"},
                                          {"agents.0.remember", "false"}},
                             .simulator_flags = {"--tokens=20", "--events=2", "--record-limit=0"},
                             .failed = Failed});
    ASSERT_TRUE(mesh.ok()) << mesh.status();
    mesh_ = *std::move(mesh);
  }

  // Turns that end well in a second, at so many offered; the first quarter of the time is left out.
  double Goodput(double offered) {
    std::vector<Arrival> plan;
    for (const absl::Duration due : PoissonTimes(offered, absl::ZeroDuration(), length_, 1)) {
      plan.push_back(Next(due, "paid", ++number_));
    }
    const std::vector<Fate> fates = RunOpenLoop(*mesh_, plan);
    int64_t ended = 0;
    for (size_t i = 0; i < plan.size(); ++i) {
      const absl::Duration at = plan[i].due + fates[i].ended;
      ended += fates[i].succeeded() && at >= length_ / 4 && at < length_;
      broken_ += !fates[i].succeeded() && !absl::IsResourceExhausted(fates[i].status);
    }
    return static_cast<double>(ended) / absl::ToDoubleSeconds(length_ * 3 / 4);
  }

  const absl::Duration length_ = IsFullSize() ? absl::Seconds(20) : absl::Seconds(4);
  std::unique_ptr<Mesh> mesh_;
  int number_ = 0;
  int64_t broken_ = 0;
};

TEST_F(CpuOverloadTest, GoodputDoesNotCollapse) {
  double peak = 0;
  // What is offered grows until less than nine tenths of it end well.
  double offered = 100;
  for (double goodput = offered; goodput >= 0.9 * offered && offered < 10'000;) {
    offered *= 1.4;
    goodput = Goodput(offered);
    peak = std::max(peak, goodput);
  }

  const double flooded = Goodput(2 * peak);

  AddFigures({{"peak_turns_a_second", std::round(peak)},
              {"goodput_at_twice_the_peak", std::round(flooded)},
              {"broken_at_twice_the_peak", broken_}});
  EXPECT_EQ(broken_, 0) << "turns neither succeeded nor were refused";
  // The peak of a short run is mostly luck.
  EXPECT_GE(flooded, (IsFullSize() ? 0.8 : 0.4) * peak);
}

}  // namespace
}  // namespace penstock::harness
