// A dispatcher that was replaced without noticing can end nothing.
//
// It is stopped in the middle of a turn; a copy of its data is opened by a second one, as when a
// volume moves to another node; then the first goes on. PENSTOCK_SCALE=full: 50 times.

#include <csignal>
#include <filesystem>
#include <fstream>
#include <memory>
#include <sstream>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include <boost/json/value.hpp>
#include <gtest/gtest.h>

#include "tests/harness/eventually.h"
#include "tests/harness/heavy_test.h"
#include "tests/harness/mesh.h"

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/time/clock.h"

namespace penstock::harness {
namespace {

using chat::v1::Turn;

constexpr absl::Duration kPatience = absl::Seconds(30);

bool Failed() { return testing::Test::HasFailure(); }

int Rounds() { return IsFullSize() ? 50 : 2; }

std::string Quoted(const std::string& text) { return absl::StrCat("\"", text, "\""); }

std::string TextOfFile(const std::string& path) {
  std::ifstream file(path);
  std::ostringstream text;
  text << file.rdbuf();
  return text.str();
}

class ZombieTest : public testing::Test {
 protected:
  void SetUp() override {
    auto mesh = Mesh::Start({.shape = Shape::kFiveProcesses, .failed = Failed});
    ASSERT_TRUE(mesh.ok()) << mesh.status();
    mesh_ = *std::move(mesh);
  }

  Settings DispatcherAt(const std::string& name, const std::string& data_dir) const {
    return {{"endpoints.dispatcher", Quoted(mesh_->AddressFor(name))}, {"data_dir", data_dir}};
  }

  // The turn's calls that the provider has seen begin.
  size_t CallsOf(const std::string& turn) const {
    const auto calls = mesh_->simulator().RequestsOf(turn);
    return calls.ok() ? calls->size() : 0;
  }

  void Signal(const std::string& process, int signal) {
    ASSERT_EQ(kill(mesh_->processes().pid(process), signal), 0);
  }

  std::unique_ptr<Mesh> mesh_;
};

TEST_F(ZombieTest, ASecondDispatcherOnTheSameDataIsRefusedWhileTheFirstLives) {
  const absl::Status second =
      mesh_->StartMore("dispatcher", "second", DispatcherAt("second", mesh_->folder() + "/data"));

  ASSERT_FALSE(second.ok());
  EXPECT_TRUE(absl::StrContains(second.message(), "another process has it open")) << second;
  EXPECT_TRUE(mesh_->processes().CheckRunning().ok());
}

class ReplacementTest : public ZombieTest {
 protected:
  // Replaces a dispatcher in the middle of a turn. `number` names what is new; the heir of the
  // round before is the zombie. True when the zombie was told FENCED; else the turn had ended
  // before it came to commit, and it published that.
  bool Replace(int number, const std::string& zombie, const std::string& zombie_data) {
    const std::string heir = absl::StrCat("heir", number);
    const std::string gateway = absl::StrCat("gateway", number);
    const std::string heir_data = absl::StrCat(mesh_->folder(), "/", heir);
    const auto caller = mesh_->NewCaller({.user = absl::StrCat("u", number)}, channel_);
    gateway::v1::SubmitTurnRequest request;
    request.mutable_turn()->add_input()->mutable_text()->set_text("Write.\n/sim delay 1000");
    const auto submitted =
        caller->Call(caller->turns(), &gateway::v1::Turns::Stub::SubmitTurn, request);
    EXPECT_TRUE(submitted.ok()) << submitted.status();
    if (!submitted.ok()) return false;
    const std::string turn = submitted->name();
    EXPECT_TRUE(Eventually(kPatience, [&] { return CallsOf(turn) == 1; }));

    Signal(zombie, SIGSTOP);
    std::filesystem::create_directories(heir_data);
    std::filesystem::copy(zombie_data + "/dispatcher", heir_data + "/dispatcher",
                          std::filesystem::copy_options::recursive);
    absl::Status started = mesh_->StartMore("dispatcher", heir, DispatcherAt(heir, heir_data));
    EXPECT_TRUE(started.ok()) << started;
    EXPECT_TRUE(Eventually(kPatience, [&] { return CallsOf(turn) == 2; }));
    Signal(zombie, SIGCONT);

    started = mesh_->StartMore("gateway", gateway,
                               {{"endpoints.gateway", Quoted(mesh_->AddressFor(gateway))},
                                {"endpoints.dispatcher", Quoted(mesh_->AddressFor(heir))}});
    EXPECT_TRUE(started.ok()) << started;
    channel_ = Caller::Connect(mesh_->AddressFor(gateway));
    const auto heirs_caller = mesh_->NewCaller({.user = absl::StrCat("u", number)}, channel_);
    Turn ended;
    EXPECT_TRUE(Eventually(kPatience, [&] {
      auto found = heirs_caller->GetTurn(turn);
      if (found.ok()) ended = *std::move(found);
      return ended.has_end_time();
    }));
    EXPECT_EQ(ended.state(), Turn::SUCCEEDED);
    const auto all = heirs_caller->AllTurns("sessions/-");
    EXPECT_TRUE(all.ok() && all->size() == 1) << all.status();

    // The zombie's answer had come while it was stopped, so its commit precedes the heir's.
    const std::string log = TextOfFile(absl::StrCat(mesh_->folder(), "/", zombie, ".err"));
    EXPECT_TRUE(mesh_->processes().Kill(zombie).ok());
    if (number > 1) {
      EXPECT_TRUE(mesh_->processes().Kill(absl::StrCat("gateway", number - 1)).ok());
    }
    return absl::StrContains(log, "a newer dispatcher owns a shard of this one");
  }

  std::shared_ptr<grpc::Channel> channel_;
};

TEST_F(ReplacementTest, TheLateCommitOfAReplacedDispatcherIsRefused) {
  channel_ = Caller::Connect(mesh_->gateway_address());
  std::string zombie = "dispatcher";
  std::string data = mesh_->folder() + "/data";
  int fenced = 0;
  for (int number = 1; number <= Rounds() && !HasFailure(); ++number) {
    if (Replace(number, zombie, data)) ++fenced;
    zombie = absl::StrCat("heir", number);
    data = absl::StrCat(mesh_->folder(), "/", zombie);
  }

  EXPECT_GE(fenced, Rounds() * 4 / 5);
  AddFigures({{"replacements", Rounds()}, {"fenced", fenced}});
}

}  // namespace
}  // namespace penstock::harness
