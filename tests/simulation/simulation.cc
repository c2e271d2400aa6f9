#include "tests/simulation/simulation.h"

#include <algorithm>
#include <cmath>
#include <functional>
#include <utility>

#include "tests/simulation/oracle.h"

#include "absl/strings/str_cat.h"

namespace penstock::simulation {
namespace {

// Longer than any call is on its way to the provider: what a dead dispatcher sent arrives before
// its successor counts.
constexpr absl::Duration kShortestRestart = absl::Milliseconds(700);
constexpr absl::Duration kQuietWithin = absl::Hours(1);
constexpr absl::Duration kRivalArrives = absl::Seconds(60);
constexpr absl::Duration kComparedFrom = absl::Seconds(75);
constexpr absl::Duration kComparedTo = absl::Seconds(150);

std::vector<int64_t> Points(Chance& chance, int n, int64_t end) {
  std::vector<int64_t> points;
  for (int i = 0; i < n; ++i) points.push_back(chance.Between(end / 20, end));
  std::sort(points.begin(), points.end(), std::greater<>());
  return points;
}

bool Takes(std::vector<int64_t>& points, int64_t now) {
  if (points.empty() || points.back() > now) return false;
  points.pop_back();
  return true;
}

}  // namespace

Simulation::Simulation(Plan plan)
    : plan_(std::move(plan)),
      world_(plan_.seed),
      chance_(world_.chance().Fork()),
      witness_(world_),
      network_(world_, plan_.weather),
      sessions_(world_, witness_),
      provider_(world_, witness_, plan_.provider),
      callers_(world_, network_, witness_, sessions_,
               [this]() -> DispatcherLife* {
                 return !lives_.empty() && lives_.back()->serves() ? lives_.back().get() : nullptr;
               }),
      crash_at_(Points(chance_, plan_.crashes, plan_.events)),
      session_outage_at_(Points(chance_, plan_.session_outages, plan_.events)),
      memory_outage_at_(Points(chance_, plan_.memory_outages, plan_.events)) {}

Simulation::~Simulation() {
  for (const auto& life : lives_) life->Kill();
}

void Simulation::Start() { BeginLife(); }

void Simulation::BeginLife() {
  lives_.push_back(std::make_unique<DispatcherLife>(Surroundings{
      world_, network_, disk_, sessions_, memories_, provider_, witness_, plan_.config}));
  lives_.back()->Start();
}

void Simulation::Crash() {
  ++crashes_;
  witness_.Trouble();
  DispatcherLife& life = dispatcher();
  const absl::Duration down = chance_.Between(kShortestRestart, absl::Seconds(4));
  if (chance_.With(plan_.replaced)) {
    world_.Note("dispatcher is replaced, and does not notice");
    ++replaced_;
    life.Replace();
    BeginLife();
    world_.After(chance_.Between(absl::Milliseconds(100), absl::Seconds(20)),
                 [&life] { life.Kill(); });
    return;
  }
  const bool power = chance_.With(plan_.power_cuts);
  world_.Note(power ? "dispatcher loses power" : "dispatcher is killed");
  witness_.history().kills.push_back({.process = "dispatcher", .time = world_.Now()});
  life.Kill();
  if (power) disk_.LosePower(chance_);
  world_.After(down, [this] { BeginLife(); });
}

void Simulation::SessionOutage() {
  witness_.Trouble();
  sessions_.LosePower();
  world_.After(chance_.Between(absl::Milliseconds(200), absl::Seconds(5)), [this] {
    sessions_.Start();
    witness_.Trouble();
  });
}

void Simulation::MemoryOutage() {
  memories_.SetUp(false);
  world_.After(chance_.Between(absl::Milliseconds(200), absl::Seconds(10)),
               [this] { memories_.SetUp(true); });
}

void Simulation::Trouble() {
  const int64_t now = world_.events();
  // Whoever recovers can be killed, too.
  const bool lives = !lives_.empty() && !dispatcher().dead();
  const bool compared = plan_.rivals && world_.Monotonic() > kRivalArrives - absl::Seconds(20) &&
                        world_.Monotonic() < kComparedTo;
  if (lives && !compared && Takes(crash_at_, now)) Crash();
  if (Takes(session_outage_at_, now)) SessionOutage();
  if (Takes(memory_outage_at_, now)) MemoryOutage();
}

void Simulation::Load() {
  loads_ = true;
  world_.After(chance_.Around(plan_.conversation_every), [this] {
    if (!loads_) return;
    const int64_t tenant = chance_.Between(1, plan_.tenants);
    const int64_t user = chance_.Between(1, plan_.users_per_tenant);
    // Some come often.
    const bool regular = chance_.With(0.3);
    callers_.Converse({.tenant = absl::StrCat("t", regular ? 1 : tenant),
                       .user = absl::StrCat("u", regular ? 1 : user),
                       .tier = (tenant + user) % 3 == 0 ? "paid" : "free"},
                      static_cast<int>(chance_.Between(1, plan_.longest_conversation)),
                      plan_.habits);
    Load();
  });
}

void Simulation::StartRivals() {
  const auto start = [this](const std::string& tenant, const std::string& tier) {
    for (int user = 0; user < 12; ++user) {
      callers_.Converse({.tenant = tenant, .user = absl::StrCat("u", user), .tier = tier},
                        1'000'000, plan_.habits);
    }
  };
  start("first", "paid");
  start("lower", "free");
  world_.After(kRivalArrives, [start] { start("second", "paid"); });
  world_.After(kComparedFrom, [this] { provider_.served().clear(); });
  world_.After(kComparedTo, [this] { CompareRivals(); });
}

void Simulation::CompareRivals() {
  const double first = provider_.served()["first"];
  const double second = provider_.served()["second"];
  const double lower = provider_.served()["lower"];
  const double all = first + second + lower;
  world_.Note("rivals were served", absl::StrCat(first, " ", second, " ", lower));
  if (std::abs(first - second) > 0.15 * (first + second)) {
    witness_.Accuse("FAIRNESS", "tenants",
                    absl::StrCat("equal tenants were served ", first, " and ", second));
  }
  if (lower < 0.5 * plan_.config.queue().free_floor() * all) {
    witness_.Accuse("FLOOR", "class FREE", absl::StrCat("was served ", lower, " of ", all));
  }
}

Outcome Simulation::Run() {
  Start();
  if (plan_.rivals) {
    StartRivals();
  } else {
    Load();
  }
  while (world_.events() < plan_.events || !crash_at_.empty() ||
         world_.Monotonic() < plan_.lasts_at_least) {
    Trouble();
    if (!world_.Step(absl::InfiniteDuration())) break;
  }
  Quiet();
  return Verdict();
}

bool Simulation::IsQuiet() {
  const RowCounts rows = CountRows(disk_);
  return callers_.open() == 0 && rows.unfinished_turns == 0 && rows.jobs == 0 &&
         provider_.open_calls() == 0;
}

void Simulation::Quiet() {
  loads_ = false;
  callers_.StopSubmitting();
  network_.Calm();
  provider_.Calm();
  witness_.Trouble();
  const absl::Duration end = world_.Monotonic() + kQuietWithin;
  while (!IsQuiet() && world_.Monotonic() < end) {
    RunUntil(world_.Monotonic() + absl::Seconds(1));
  }
  // What was told last is published, and the last writes are done.
  RunUntil(world_.Monotonic() + absl::Seconds(30));
}

Outcome Simulation::Verdict() {
  JudgeEnd({.witness = witness_,
            .sessions = sessions_,
            .disk = disk_,
            .provider = provider_,
            .callers = callers_,
            .dispatcher = dispatcher(),
            .plan = plan_,
            .replaced = replaced_});
  return {.offences = witness_.offences(),
          .events = world_.events(),
          .crashes = crashes_,
          .acknowledged = callers_.acknowledged(),
          .refused = callers_.refused(),
          .refused_by_provider = provider_.refused(),
          .trace_hash = world_.trace_hash(),
          .trace = world_.NewestNotes()};
}

}  // namespace penstock::simulation
