#include "tests/harness/ledger.h"

#include <filesystem>
#include <fstream>
#include <sstream>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace penstock::harness {
namespace {

using chat::v1::Turn;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::Pair;

TEST(Ledger, ATurnIsInFlightFromItsAcknowledgementToItsEnd) {
  Ledger ledger;
  ledger.Want({"r1", "u", "sessions/s", 1});
  ledger.Want({"r2", "v", "sessions/s", 1});
  ledger.Tell({"r1", Answer::kInvoked});
  ledger.Tell({"r1", Answer::kAcknowledged, absl::UnixEpoch(), "t1"});
  ledger.Tell({"r2", Answer::kAcknowledged, absl::UnixEpoch(), "t2"});
  EXPECT_THAT(ledger.InFlight(), ElementsAre(Pair("t1", "u"), Pair("t2", "v")));

  ledger.TellOutcome({"t1", Turn::SUCCEEDED, "", "WatchTurn"});

  EXPECT_THAT(ledger.InFlight(), ElementsAre(Pair("t2", "v")));
  EXPECT_EQ(ledger.ended(), 1);
  EXPECT_EQ(ledger.Take().told.size(), 3);
}

TEST(Ledger, ALateAcknowledgementDoesNotBringAnEndedTurnBack) {
  Ledger ledger;
  ledger.Want({"r1", "u", "sessions/s", 1});
  ledger.TellOutcome({"t1", Turn::SUCCEEDED, "", "WatchTurn"});

  ledger.Tell({"r1", Answer::kAcknowledged, absl::UnixEpoch(), "t1"});

  EXPECT_TRUE(ledger.InFlight().empty());
}

TEST(Ledger, AHistoryIsWrittenOneObjectALine) {
  const std::string path = testing::TempDir() + "/history.jsonl";
  History history;
  history.told.push_back({"r1", Answer::kUnknown, absl::UnixEpoch(), "", "UNAVAILABLE: gone"});
  history.kills.push_back({"dispatcher", absl::UnixEpoch(), "journal.after_epoch"});

  ASSERT_TRUE(WriteHistory(history, path).ok());

  std::ostringstream text;
  text << std::ifstream(path).rdbuf();
  std::filesystem::remove(path);
  EXPECT_THAT(text.str(), HasSubstr("\"what\":\"UNKNOWN\""));
  EXPECT_THAT(text.str(), HasSubstr("\"failpoint\":\"journal.after_epoch\"}\n"));
}

}  // namespace
}  // namespace penstock::harness
