// The simulation can see: with a safeguard taken away some seed says so.
//
// Runs simulation_test once for each bug that builds with failpoints carry behind a switch.
// PENSTOCK_FIGURES: a file for the table of what was found by which seed.

#include <array>
#include <cstdio>
#include <cstdlib>
#include <string>

#include <boost/json/object.hpp>
#include <gtest/gtest.h>

#include "tests/harness/heavy_test.h"

#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/strip.h"

namespace penstock::simulation {
namespace {

constexpr int kSeeds = 200;

// What a command writes.
std::string OutputOf(const std::string& command) {
  std::string output;
  FILE* pipe = popen(command.c_str(), "r");
  if (pipe == nullptr) return output;
  std::array<char, 4096> piece;
  while (const size_t n = fread(piece.data(), 1, piece.size(), pipe))
    output.append(piece.data(), n);
  pclose(pipe);
  return output;
}

// "seed 17: 3 offences\n  LOST …" of a report; empty: nothing was found.
std::string Found(const std::string& output) {
  const size_t at = output.find("\nseed ");
  if (at == std::string::npos) return "";
  const size_t first_line = output.find('\n', at + 1);
  const size_t end = output.find('\n', first_line + 1);
  return output.substr(at + 1, end - at - 1);
}

class PlantedSimulationTest : public testing::TestWithParam<const char*> {};

std::string RunWith(const std::string& failpoints) {
  return OutputOf(absl::StrCat("env -u PENSTOCK_FIGURES -u PENSTOCK_SCALE PENSTOCK_FAILPOINTS='",
                               failpoints, "' PENSTOCK_SEEDS=1-", kSeeds, " ",
                               std::getenv("PENSTOCK_SIMULATION"),
                               " --gtest_filter=SimulationTest.WhatWasPromisedIsKept 2>&1"));
}

TEST_P(PlantedSimulationTest, IsFound) {
  const std::string bug = GetParam();
  const std::string output = RunWith(absl::StrCat("planted.", bug, "=error"));
  const std::string found = Found(output);

  EXPECT_NE(found, "") << output.substr(0, 2000);
  std::printf("%s: %s\n", bug.c_str(), found.c_str());
  harness::AddFigures({{bug, found}});
}

INSTANTIATE_TEST_SUITE_P(, PlantedSimulationTest,
                         testing::Values("fence_unchecked", "epoch_kept", "request_id_forgotten",
                                         "submit_unsynced", "refund_twice", "lift_forgotten",
                                         "floor_ignored", "permit_twice", "settle_skipped",
                                         "cancel_unjournaled", "session_order_ignored",
                                         "deadline_forgotten", "restart_untold", "place_kept",
                                         "tool_results_unjournaled"),
                         [](const auto& bug) { return std::string(bug.param); });

}  // namespace
}  // namespace penstock::simulation
