// A process that is told to stop ends well with turns still running, and loses none of them.

#include <fstream>
#include <iterator>
#include <string>
#include <utility>
#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/harness/collect.h"
#include "tests/harness/eventually.h"
#include "tests/harness/judge.h"
#include "tests/harness/mesh.h"
#include "tests/harness/persistent_caller.h"

#include "absl/strings/str_cat.h"
#include "absl/time/clock.h"

namespace penstock::harness {
namespace {

using testing::HasSubstr;

bool Failed() { return testing::Test::HasFailure(); }

std::string TextOfFile(const std::string& path) {
  std::ifstream file(path);
  return {std::istreambuf_iterator<char>(file), {}};
}

// Longer than a gateway's stop, which in one process comes first and gives an idle caller's
// connection a second to close.
constexpr const char* kSlowQuestion = "Write this.\n/sim delay 3000";

class RestartTest : public testing::TestWithParam<Shape> {};

TEST_P(RestartTest, TurnsThatOutlastTheDrainRunAgain) {
  const auto mesh = Mesh::Start(
      {.shape = GetParam(), .settings = {{"drain.timeout", "100ms"}}, .failed = Failed});
  ASSERT_TRUE(mesh.ok()) << mesh.status();
  const std::string owner = GetParam() == Shape::kStandalone ? "standalone" : "dispatcher";
  const auto caller = (*mesh)->NewCaller({.user = "u"});
  Ledger ledger;
  const PersistentCaller persistent(*caller, ledger);
  const absl::Time give_up = absl::Now() + absl::Seconds(30);
  std::vector<std::string> turns;
  for (int order = 1; order <= 2; ++order) {
    const auto turn = persistent.Submit({absl::StrCat("r", order), "u", "sessions/s", order},
                                        kSlowQuestion, give_up);
    ASSERT_TRUE(turn.ok()) << turn.status();
    turns.push_back(*turn);
  }
  ASSERT_TRUE(Eventually(absl::Seconds(20), [&] {
    const auto first = caller->GetTurn(turns[0]);
    return first.ok() && first->state() == chat::v1::Turn::RUNNING;
  }));

  const auto ending = (*mesh)->processes().Terminate(owner);
  ASSERT_TRUE(ending.ok()) << ending.status();
  EXPECT_TRUE(ending->ok()) << ending->ToString();
  const std::string log = TextOfFile(absl::StrCat((*mesh)->folder(), "/", owner, ".err"));
  EXPECT_THAT(log, HasSubstr("QUEUED: 1, RUNNING: 1"));
  EXPECT_THAT(log, HasSubstr(turns[0]));
  const auto ready = (*mesh)->processes().Restart(owner);
  ASSERT_TRUE(ready.ok()) << ready.status();

  History history = ledger.Take();
  const absl::Status collected = CollectStored(*caller, "u", give_up, history);
  ASSERT_TRUE(collected.ok()) << collected;
  const Report report = Judge(history);
  EXPECT_TRUE(report.clean()) << report.ToString();
  EXPECT_EQ(history.stored.size(), 2);
  for (const StoredTurn& turn : history.stored) {
    EXPECT_EQ(turn.state, chat::v1::Turn::SUCCEEDED) << turn.name;
  }
}

INSTANTIATE_TEST_SUITE_P(, RestartTest, testing::Values(Shape::kStandalone, Shape::kFiveProcesses),
                         [](const auto& shape) { return std::string(NameOf(shape.param)); });

}  // namespace
}  // namespace penstock::harness
