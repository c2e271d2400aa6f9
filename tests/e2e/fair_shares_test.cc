// Who gets how much of a pool that is full: tenants, users, classes, by what their turns cost.
//
// Small, some seconds of short answers; full, a minute and more of the shapes of the acceptance
// list.

#include <algorithm>
#include <cmath>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include <gtest/gtest.h>

#include "tests/harness/heavy_test.h"
#include "tests/harness/mesh.h"
#include "tests/harness/open_loop.h"

#include "absl/strings/str_cat.h"

namespace penstock::harness {
namespace {

constexpr int kConcurrency = 10;
constexpr int kTokenRate = 200;
// Tokens that the pool generates in a second when it is full.
constexpr double kPoolTokens = kConcurrency * kTokenRate;
constexpr int kOthers = 9;

bool Failed() { return testing::Test::HasFailure(); }

struct Size {
  absl::Duration round;
  int rounds;
  // Shares are taken in windows, the first of which begins then.
  absl::Duration settled;
  absl::Duration window;
  // What a busy machine may add.
  double share_slack;
  absl::Duration wait_slack;
};

Size SizeOfRun() {
  if (IsFullSize()) {
    return {absl::Seconds(5), 12, absl::Seconds(2), absl::Seconds(10), 0.03, absl::ZeroDuration()};
  }
  return {absl::Seconds(2), 2, absl::Seconds(1), absl::Seconds(3), 0.15, absl::Seconds(3)};
}

const Size kSize = SizeOfRun();
absl::Duration End() { return kSize.rounds * kSize.round; }

// Answers six times as long for one as for another.
int TokensOf(int number) { return 20 * (1 + number % 6); }

std::string Text(int tokens) { return absl::StrCat("Write.\n/sim tokens ", tokens); }

double Rounded(double value) { return std::round(value * 1000) / 1000; }

class FairSharesTest : public testing::Test {
 protected:
  void SetUp() override { Start({}); }

  void Start(Settings settings) {
    mesh_.reset();
    settings.insert(
        {{"models.0.concurrency", absl::StrCat(kConcurrency)},
         {"agents.0.recall", "false"},
         {"agents.0.remember", "false"},
         {"identity.issuers.0.tenants", "[flood, t0, t1, t2, t3, t4, t5, t6, t7, t8]"}});
    auto mesh = Mesh::Start({.shape = IsFullSize() ? Shape::kFiveProcesses : Shape::kStandalone,
                             .settings = std::move(settings),
                             .simulator_flags = {absl::StrCat("--token-rate=", kTokenRate),
                                                 "--events=2", "--record-limit=0"},
                             .failed = Failed});
    ASSERT_TRUE(mesh.ok()) << mesh.status();
    mesh_ = *std::move(mesh);
  }

  // A session of its own for every turn, so that sessions do not wait for themselves.
  void Add(absl::Duration due, TokenUser user, int tokens, chat::v1::Urgency urgency) {
    plan_.push_back({.due = due,
                     .user = std::move(user),
                     .session = absl::StrCat("sessions/s", plan_.size()),
                     .text = Text(tokens),
                     .urgency = urgency});
  }

  // Every round each of the others asks for as much as its share of what nine of ten leave free,
  // all at once.
  void AddOthers(const std::vector<TokenUser>& others) {
    for (int round = 0; round < kSize.rounds; ++round) {
      for (size_t i = 0; i < others.size(); ++i) {
        const int tokens = TokensOf(static_cast<int>(i));
        const double fair = 0.8 * kPoolTokens * absl::ToDoubleSeconds(kSize.round) / kOthers;
        for (int turn = 0; turn < static_cast<int>(fair / tokens); ++turn) {
          Add(round * kSize.round, others[i], tokens, chat::v1::BATCH);
        }
      }
    }
  }

  // Twice what the pool can do, from the start to the end.
  void AddFlood(const TokenUser& flood) {
    const int tokens = 120;
    const double rate = 2 * kPoolTokens / tokens;
    const auto turns = static_cast<int>(rate * absl::ToDoubleSeconds(End()));
    for (int i = 0; i < turns; ++i)
      Add(i / rate * absl::Seconds(1), flood, tokens, chat::v1::BATCH);
  }

  void Run() { fates_ = RunOpenLoop(*mesh_, plan_); }

  // How long turns of these waited, after the first round.
  absl::Duration WaitP95(const std::vector<TokenUser>& of) const {
    std::vector<absl::Duration> waits;
    for (size_t i = 0; i < plan_.size(); ++i) {
      const bool chosen = std::any_of(of.begin(), of.end(), [&](const TokenUser& user) {
        return user.user == plan_[i].user.user && user.tenant == plan_[i].user.tenant;
      });
      if (!chosen || plan_[i].due < kSize.round) continue;
      EXPECT_TRUE(fates_[i].succeeded()) << fates_[i].status;
      if (fates_[i].started) waits.push_back(*fates_[i].started);
    }
    return Quantile(waits, 0.95);
  }

  // The others' waits without and with the flood.
  void ExpectNoDelay(const char* name, const TokenUser& flood,
                     const std::vector<TokenUser>& others) {
    AddOthers(others);
    Run();
    const absl::Duration alone = WaitP95(others);
    plan_.clear();
    Start({});
    if (HasFatalFailure()) return;
    AddOthers(others);
    AddFlood(flood);
    Run();
    const absl::Duration flooded = WaitP95(others);
    AddFigures({{name,
                 {{"wait_p95_ms_alone", Rounded(absl::ToDoubleMilliseconds(alone))},
                  {"wait_p95_ms_flooded", Rounded(absl::ToDoubleMilliseconds(flooded))},
                  {"ratio", Rounded(absl::FDivDuration(flooded, alone))}}}});
    EXPECT_LE(flooded, 1.5 * alone + kSize.wait_slack);
  }

  // What the answers that began in [from, to) cost, by tenant and user: what is shared is money, as
  // the configuration's prices have it.
  std::map<std::string, double> CostStarted(absl::Duration from, absl::Duration to) const {
    std::map<std::string, double> cost;
    for (size_t i = 0; i < plan_.size(); ++i) {
      if (!fates_[i].started) continue;
      const absl::Duration at = plan_[i].due + *fates_[i].started;
      if (at < from || at >= to) continue;
      cost[plan_[i].user.tenant + "/" + plan_[i].user.user] +=
          static_cast<double>(fates_[i].turn.cost_nano_usd());
    }
    return cost;
  }

  std::unique_ptr<Mesh> mesh_;
  std::vector<Arrival> plan_;
  std::vector<Fate> fates_;
};

TEST_F(FairSharesTest, ATenantThatFloodsDelaysNineOthersByTheirShareAlone) {
  std::vector<TokenUser> others;
  for (int i = 0; i < kOthers; ++i) {
    others.push_back({.user = "u", .tenant = absl::StrCat("t", i)});
  }
  ExpectNoDelay("tenants", {.user = "u", .tenant = "flood"}, others);
}

TEST_F(FairSharesTest, AUserWhoFloodsDelaysNineOthersOfTheTenantByTheirShareAlone) {
  std::vector<TokenUser> others;
  for (int i = 0; i < kOthers; ++i) {
    others.push_back({.user = absl::StrCat("u", i), .tenant = "flood"});
  }
  ExpectNoDelay("users", {.user = "flood", .tenant = "flood"}, others);
}

// Both always have turns waiting; one has answers six times as long.
TEST_F(FairSharesTest, WhoAlwaysWaitsGetsTheSameHoweverLongTheAnswers) {
  const absl::Duration end = End();
  const TokenUser brief{.user = "u", .tenant = "t0"};
  const TokenUser wordy{.user = "u", .tenant = "t1"};
  // Each alone could fill the pool.
  for (const auto& [user, tokens] : {std::pair(brief, 20), std::pair(wordy, 120)}) {
    const double rate = kPoolTokens / tokens;
    for (int i = 0; i < static_cast<int>(rate * absl::ToDoubleSeconds(end)); ++i) {
      Add(i / rate * absl::Seconds(1), user, tokens, chat::v1::BATCH);
    }
  }
  Run();
  for (const Fate& fate : fates_) ASSERT_TRUE(fate.succeeded()) << fate.status;

  boost::json::array shares;
  for (absl::Duration from = kSize.settled; from + kSize.window <= end; from += kSize.window) {
    auto cost = CostStarted(from, from + kSize.window);
    const double share = cost["t0/u"] / (cost["t0/u"] + cost["t1/u"]);
    shares.push_back(Rounded(share));
    EXPECT_NEAR(share, 0.5, kSize.share_slack) << "in the window from " << from;
  }
  EXPECT_FALSE(shares.empty());
  AddFigures({{"share_of_the_brief", shares}});
}

// FREE and BATCH are served, by their floors, while PAID alone would fill the pool. In a short run
// the floors are higher, so that there is something to count.
TEST_F(FairSharesTest, NoClassStarvesBelowOneThatFloods) {
  const double free_floor = IsFullSize() ? 0.05 : 0.2;
  const double batch_floor = IsFullSize() ? 0.02 : 0.1;
  const double part = IsFullSize() ? 0.8 : 0.6;
  Start({{"queue.free_floor", absl::StrCat(free_floor)},
         {"queue.batch_floor", absl::StrCat(batch_floor)}});
  if (HasFatalFailure()) return;
  const TokenUser paid{.user = "paid", .tenant = "t0", .tier = "paid"};
  const TokenUser free{.user = "free", .tenant = "t1", .tier = "free"};
  const TokenUser batch{.user = "batch", .tenant = "t2", .tier = "free"};
  const int tokens = 60;
  const absl::Duration end = IsFullSize() ? End() : absl::Seconds(6);
  const double rate = 2 * kPoolTokens / tokens;
  const auto turns = static_cast<int>(rate * absl::ToDoubleSeconds(end));
  for (int i = 0; i < turns; ++i) Add(i / rate * absl::Seconds(1), paid, tokens, chat::v1::NORMAL);
  const int some = static_cast<int>(kPoolTokens / tokens * absl::ToDoubleSeconds(end) / 4);
  for (int i = 0; i < some; ++i) {
    Add(absl::ZeroDuration(), free, tokens, chat::v1::NORMAL);
    Add(absl::ZeroDuration(), batch, tokens, chat::v1::BATCH);
  }
  Run();

  // The first turns of a user are of class FIRST: six of them.
  auto had = CostStarted(kSize.settled, end);
  const double sum = had["t0/paid"] + had["t1/free"] + had["t2/batch"];
  AddFigures({{"under_a_flood_of_paid",
               {{"share_of_free", Rounded(had["t1/free"] / sum)},
                {"share_of_batch", Rounded(had["t2/batch"] / sum)}}}});
  // Less the calls that straddle the window.
  EXPECT_GE(had["t1/free"] / sum, part * free_floor);
  EXPECT_GE(had["t2/batch"] / sum, part * batch_floor);
  EXPECT_GE(had["t0/paid"] / sum, 1 - 1.5 * (free_floor + batch_floor));
}

// A session for every message makes first turns; there are six an hour of them.
TEST_F(FairSharesTest, AFreeUserWithASessionForEachMessageDoesNotOutrunPaidOnes) {
  const TokenUser paid{.user = "paid", .tenant = "t0", .tier = "paid"};
  const TokenUser cunning{.user = "cunning", .tenant = "t0", .tier = "free"};
  const int tokens = 60;
  const double pool = kPoolTokens / tokens;
  const auto turns = static_cast<int>(0.9 * pool * absl::ToDoubleSeconds(End()));
  for (int i = 0; i < turns; ++i) {
    Add(i / (0.9 * pool) * absl::Seconds(1), paid, tokens, chat::v1::NORMAL);
    Add(i / (0.9 * pool) * absl::Seconds(1), cunning, tokens, chat::v1::NORMAL);
  }
  Run();

  auto had = CostStarted(kSize.settled, End());
  AddFigures({{"free_with_many_sessions",
               {{"share_of_paid", Rounded(had["t0/paid"] / (had["t0/paid"] + had["t0/cunning"]))},
                {"paid_wait_p95_ms", Rounded(absl::ToDoubleMilliseconds(WaitP95({paid})))}}}});
  EXPECT_GE(had["t0/paid"], 4 * had["t0/cunning"]);
  EXPECT_LE(WaitP95({paid}), absl::Seconds(1) + kSize.wait_slack);
}

}  // namespace
}  // namespace penstock::harness
