// Damaged files: a clear refusal to start, an error where the damage is met, or no effect. Never
// another value, never something acknowledged that is silently missing. PENSTOCK_SCALE=full: each
// kind of file at ten places in each store.

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <map>
#include <memory>
#include <random>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include <boost/json/value.hpp>
#include <gtest/gtest.h>

#include "libs/base/status_macros.h"
#include "tests/harness/heavy_test.h"
#include "tests/harness/mesh.h"

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/time/clock.h"

namespace penstock::harness {
namespace {

namespace fs = std::filesystem;

using chat::v1::Turn;

constexpr absl::Duration kPatience = absl::Seconds(20);
constexpr char kUser[] = "u";
const char* const kStores[] = {"dispatcher", "session_state", "memory_recall"};

bool Failed() { return testing::Test::HasFailure(); }

int PlacesOfEachKind() { return IsFullSize() ? 10 : 1; }

enum class Kind { kLogMiddle, kLogTornTail, kTableData, kTableFooter, kManifest, kCurrent };
constexpr Kind kKinds[] = {Kind::kLogMiddle,   Kind::kLogTornTail, Kind::kTableData,
                           Kind::kTableFooter, Kind::kManifest,    Kind::kCurrent};

absl::string_view NameOf(Kind kind) {
  switch (kind) {
    case Kind::kLogMiddle:
      return "middle of the log";
    case Kind::kLogTornTail:
      return "torn end of the log";
    case Kind::kTableData:
      return "data of a table";
    case Kind::kTableFooter:
      return "footer of a table";
    case Kind::kManifest:
      return "manifest";
    case Kind::kCurrent:
      return "CURRENT";
  }
}

bool IsOfKind(const std::string& file, Kind kind) {
  switch (kind) {
    case Kind::kLogMiddle:
    case Kind::kLogTornTail:
      return absl::EndsWith(file, ".log");
    case Kind::kTableData:
    case Kind::kTableFooter:
      return absl::EndsWith(file, ".sst");
    case Kind::kManifest:
      return absl::StartsWith(file, "MANIFEST");
    case Kind::kCurrent:
      return file == "CURRENT";
  }
}

// The largest file of the kind; "" when the store has none.
fs::path Victim(const fs::path& store, Kind kind) {
  fs::path found;
  uintmax_t size = 0;
  for (const auto& entry : fs::directory_iterator(store)) {
    if (!IsOfKind(entry.path().filename().string(), kind) || entry.file_size() <= size) continue;
    found = entry.path();
    size = entry.file_size();
  }
  return found;
}

void FlipBit(const fs::path& path, uintmax_t offset) {
  std::fstream file(path, std::ios::in | std::ios::out | std::ios::binary);
  file.seekg(static_cast<std::streamoff>(offset));
  const char byte = static_cast<char>(file.get() ^ 0x10);
  file.seekp(static_cast<std::streamoff>(offset));
  file.put(byte);
}

void Damage(const fs::path& path, Kind kind, std::mt19937& random) {
  const uintmax_t size = fs::file_size(path);
  const auto within = [&](uintmax_t first, uintmax_t last) {
    return std::uniform_int_distribution<uintmax_t>(first, last)(random);
  };
  switch (kind) {
    case Kind::kLogTornTail: {
      // The header of a record whose body was never written.
      std::ofstream file(path, std::ios::app | std::ios::binary);
      const std::string torn = {1, 2, 3, 4, 100, 0, 1};
      file << torn << std::string(within(0, 50), 'x');
      return;
    }
    case Kind::kTableFooter:
      return FlipBit(path, size - within(1, 48));
    case Kind::kTableData:
      return FlipBit(path, within(0, size / 2));
    default:
      return FlipBit(path, within(0, size * 3 / 4));
  }
}

class DamageTest : public testing::Test {
 protected:
  void SetUp() override {
    auto mesh = Mesh::Start({.failed = Failed});
    ASSERT_TRUE(mesh.ok()) << mesh.status();
    mesh_ = *std::move(mesh);
    data_ = mesh_->folder() + "/data";
    whole_ = mesh_->folder() + "/whole";
    caller_ = mesh_->NewCaller({.user = kUser});
    Fill(0);
    // A start writes the log of the life before into tables.
    ASSERT_TRUE(mesh_->processes().Kill("standalone").ok());
    const absl::Status started = Start();
    ASSERT_TRUE(started.ok()) << started;
    Fill(20);
    for (int i = 0; i < 3; ++i) Unfinished(i);
    ASSERT_TRUE(mesh_->processes().Kill("standalone").ok());
    fs::copy(data_, whole_, fs::copy_options::recursive);
  }

  // With a connection of its own: a call on the one of the life before says nothing about the data.
  absl::Status Start() {
    PENSTOCK_RETURN_IF_ERROR(mesh_->processes().Restart("standalone").status());
    caller_ = mesh_->NewCaller({.user = kUser});
    return absl::OkStatus();
  }

  // Puts the data back as it was, all stores whole.
  void Restore() {
    fs::remove_all(data_);
    fs::copy(whole_, data_, fs::copy_options::recursive);
  }

  // What was answered for each acknowledged turn; "" for those that had not ended.
  const std::map<std::string, std::string>& acknowledged() const { return answers_; }

  // OK when the turn is as it was told; an error that a reader can see is an answer, too.
  absl::Status Look(const std::string& name, const std::string& answer, int& errors) const {
    const absl::Time give_up = absl::Now() + kPatience;
    absl::StatusOr<Turn> turn = caller_->GetTurn(name);
    while (turn.ok() && !turn->has_end_time() && absl::Now() < give_up) {
      std::this_thread::sleep_for(std::chrono::milliseconds(10));
      turn = caller_->GetTurn(name);
    }
    if (absl::IsNotFound(turn.status())) return turn.status();
    if (!turn.ok()) {
      ++errors;
      return absl::OkStatus();
    }
    if (!turn->has_end_time()) return absl::DeadlineExceededError("the turn does not end");
    if (answer.empty() || OutputText(*turn) == answer) return absl::OkStatus();
    return absl::DataLossError(absl::StrCat("another answer: ", OutputText(*turn)));
  }

  std::unique_ptr<Mesh> mesh_;
  std::unique_ptr<Caller> caller_;
  fs::path data_;
  fs::path whole_;

 private:
  void Fill(int first) {
    for (int i = first; i < first + 20; ++i) {
      gateway::v1::RunTurnRequest request;
      request.set_session(absl::StrCat("sessions/s", i % 4));
      request.mutable_turn()->set_create_session(true);
      request.mutable_turn()->add_input()->mutable_text()->set_text(absl::StrCat(
          "Boat ", i, " is called ", std::string(200, static_cast<char>('a' + i % 26))));
      const auto turn =
          caller_->Call(caller_->turns(), &gateway::v1::Turns::Stub::RunTurn, request);
      ASSERT_TRUE(turn.ok()) << turn.status();
      answers_[turn->name()] = OutputText(*turn);
    }
  }

  void Unfinished(int number) {
    gateway::v1::SubmitTurnRequest request;
    request.set_session(absl::StrCat("sessions/s", number));
    request.mutable_turn()->add_input()->mutable_text()->set_text("Write.\n/sim delay 300");
    const auto turn =
        caller_->Call(caller_->turns(), &gateway::v1::Turns::Stub::SubmitTurn, request);
    ASSERT_TRUE(turn.ok()) << turn.status();
    answers_[turn->name()] = "";
  }

  std::map<std::string, std::string> answers_;
};

TEST_F(DamageTest, IsRefusedOrReportedAndNothingAcknowledgedIsSilentlyMissing) {
  std::mt19937 random(1);
  std::map<std::string, int> outcomes;
  for (const Kind kind : kKinds) {
    for (const char* store : kStores) {
      for (int place = 0; place < PlacesOfEachKind(); ++place) {
        const std::string where = absl::StrCat(NameOf(kind), " of ", store, ", place ", place);
        Restore();
        const fs::path victim = Victim(data_ / store, kind);
        ASSERT_FALSE(victim.empty()) << where;
        Damage(victim, kind, random);

        const absl::Status started = Start();
        if (!started.ok()) {
          EXPECT_TRUE(absl::StrContains(started.message(), "exit code 1")) << started;
          EXPECT_TRUE(absl::StrContains(started.message(), "restore it from a backup"))
              << where << ": " << started;
          EXPECT_NE(kind, Kind::kLogTornTail) << "what a power cut leaves is no damage";
          ++outcomes[absl::StrCat(NameOf(kind), ": refused")];
          continue;
        }
        int errors = 0;
        for (const auto& [name, answer] : acknowledged()) {
          const absl::Status seen = Look(name, answer, errors);
          EXPECT_TRUE(seen.ok()) << where << ": " << name << ": " << seen;
        }
        if (kind == Kind::kLogTornTail) EXPECT_EQ(errors, 0) << where;
        ++outcomes[absl::StrCat(NameOf(kind), errors > 0 ? ": reported when read" : ": no effect")];
        EXPECT_TRUE(mesh_->processes().Kill("standalone").ok()) << where;
      }
    }
  }
  boost::json::object figures;
  for (const auto& [outcome, count] : outcomes) {
    std::printf("%-45s %d\n", outcome.c_str(), count);
    figures[outcome] = count;
  }
  AddFigures(figures);
}

}  // namespace
}  // namespace penstock::harness
