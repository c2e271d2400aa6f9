// The chaos test can see: with a safeguard taken away it says so.
//
// Each case takes one away (a setting, or a bug that builds with failpoints carry behind a switch)
// and runs a small chaos. The fence is the matter of e2e's zombie_test: tests/full/planted.
// PENSTOCK_FIGURES: a file for the table of what was found.

#include <map>
#include <string>
#include <utility>
#include <vector>

#include <boost/json/serialize.hpp>
#include <boost/json/value.hpp>
#include <gtest/gtest.h>

#include "tests/chaos/chaos_run.h"
#include "tests/harness/heavy_test.h"

#include "absl/strings/str_cat.h"
#include "absl/time/time.h"

namespace penstock::chaos {
namespace {

using harness::Report;
using harness::Verdict;

class PlantedTest : public testing::Test {
 protected:
  // A caller of a run that loses turns gives up early.
  static Report RunWith(const std::string& what, RunOptions options) {
    options.load = {.workers = 8, .patience = absl::Seconds(6)};
    options.killer.turns_in_flight = 5;
    options.quiet_within = absl::Seconds(2);
    const auto seen = RunChaos(std::move(options));
    EXPECT_TRUE(seen.ok()) << seen.status();
    if (!seen.ok()) return {};
    boost::json::object verdicts;
    for (const Verdict verdict : harness::kAllVerdicts) {
      const int count = seen->report.Count(verdict);
      if (count > 0) verdicts[std::string(NameOf(verdict))] = count;
    }
    std::printf("%s: %s\n", what.c_str(), boost::json::serialize(verdicts).c_str());
    harness::AddFigures({{what, std::move(verdicts)}});
    return seen->report;
  }
};

TEST_F(PlantedTest, NothingIsFoundWhenNothingIsPlanted) {
  const Report report = RunWith("nothing", {.steps = {{"dispatcher"}, {"session_state"}}});

  EXPECT_TRUE(report.clean()) << report.ToString();
}

TEST_F(PlantedTest, AJournalThatIsNotSyncedLosesTurns) {
  const Report report = RunWith(
      "journal.sync: false",
      {.steps = {{"dispatcher"}, {"session_state"}}, .settings = {{"journal.sync", "false"}}});

  EXPECT_GT(report.Count(Verdict::kLost), 0) << report.ToString();
}

TEST_F(PlantedTest, RequestIdsThatAreForgottenDoubleTurns) {
  const Report report = RunWith("planted.request_id_forgotten",
                                {.steps = {},
                                 .killer = {.always_armed = "planted.request_id_forgotten=error"},
                                 .lasts = absl::Seconds(2)});

  EXPECT_GT(report.Count(Verdict::kDoubled), 0) << report.ToString();
}

// The starts of the next life are numbered from 1 again, so its fences are older than those that
// session-state has seen: it gives its shard up, and its turns never end. The other kills give the
// first life time for many starts.
TEST_F(PlantedTest, AnEpochThatIsNotRaisedLeavesTurnsWithoutAnEnd) {
  const Report report =
      RunWith("planted.epoch_kept",
              {.steps = {{"memory_recall"}, {"memory_recall"}, {"memory_recall"}, {"dispatcher"}},
               .settings = {{"journal.shards", "1"}},
               .killer = {.always_armed = "planted.epoch_kept=error"}});

  EXPECT_GT(report.Count(Verdict::kLost), 0) << report.ToString();
}

}  // namespace
}  // namespace penstock::chaos
