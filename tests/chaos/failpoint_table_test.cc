#include "tests/chaos/failpoint_table.h"

#include <set>
#include <string>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace penstock::chaos {
namespace {

using testing::ElementsAre;
using testing::SizeIs;

TEST(FailpointTable, ARowHasANameItsProcessesAndAStageOrNone) {
  const auto rows = ParseFailpointTable(
      "| Failpoint | Processes | Stage | Dies |\n|---|---|---|---|\n"
      "| `a.b` | gateway, dispatcher | committed-untold | before |\n"
      "| `a.c` | gateway | | after |\n");

  ASSERT_TRUE(rows.ok()) << rows.status();
  ASSERT_THAT(*rows, SizeIs(2));
  EXPECT_EQ(rows->at(0).name, "a.b");
  EXPECT_THAT(rows->at(0).processes, ElementsAre("gateway", "dispatcher"));
  EXPECT_EQ(rows->at(0).stage, harness::Stage::kCommittedUntold);
  EXPECT_FALSE(rows->at(1).stage.has_value());
}

TEST(FailpointTable, ARowUnlikeTheOthersIsRefused) {
  EXPECT_FALSE(ParseFailpointTable("| `a.b` | gateway |\n").ok());
  EXPECT_FALSE(ParseFailpointTable("| `a.b` | gateway | late | x |\n").ok());
}

TEST(FailpointTable, ThePageHasAtLeastTwentyFourForFiveProcesses) {
  const auto rows = ReadFailpointTable();
  ASSERT_TRUE(rows.ok()) << rows.status();

  EXPECT_GE(rows->size(), 24u);
  std::set<std::string> processes;
  for (const auto& row : *rows) processes.insert(row.processes.begin(), row.processes.end());
  EXPECT_THAT(processes, ElementsAre("dispatcher", "gateway", "memory_recall", "provider_adapter",
                                     "session_state"));
}

}  // namespace
}  // namespace penstock::chaos
