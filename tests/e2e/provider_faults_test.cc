// Whatever a provider does, in either wire format, before its first word or after: the turn ends in
// time, says what was wrong, keeps and marks what had come; the session goes on; no connection is
// left open; and the key is told nobody.
//
// Small, one process; PENSTOCK_SCALE=full: five, and every fault eight times.

#include <atomic>
#include <memory>
#include <string>
#include <thread>
#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "libs/base/refusal.h"
#include "tests/e2e/provider_fault_table.h"
#include "tests/harness/admin_page.h"
#include "tests/harness/eventually.h"
#include "tests/harness/heavy_test.h"
#include "tests/harness/mesh.h"
#include "tests/harness/secret_search.h"

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"

namespace penstock::harness {
namespace {

using chat::v1::Turn;
using testing::IsEmpty;

constexpr char kKey[] = "sk-test-4f1d0c7e9a2b8d6350";
constexpr absl::Duration kDeadline = absl::Seconds(60);
constexpr int kWorkers = 8;

bool Failed() { return testing::Test::HasFailure(); }

// What a caller saw of a turn.
struct Seen {
  std::string text;
  Turn turn;
  absl::Status status;
};

class ProviderFaultsTest : public testing::TestWithParam<Format> {
 protected:
  void SetUp() override {
    for (int round = 0; round < (IsFullSize() ? 8 : 1); ++round) {
      for (ProviderFault& fault : ProviderFaults(GetParam())) {
        absl::StrAppend(&fault.name, "-", round);
        faults_.push_back(std::move(fault));
      }
    }
    auto mesh = Mesh::Start({.shape = IsFullSize() ? Shape::kFiveProcesses : Shape::kStandalone,
                             .settings = SettingsOfRun(),
                             .simulator_flags = {absl::StrCat("--api-key=", kKey)},
                             .environment = {absl::StrCat("PENSTOCK_TEST_KEY=", kKey)},
                             .failed = Failed});
    ASSERT_TRUE(mesh.ok()) << mesh.status();
    mesh_ = *std::move(mesh);
    channel_ = Caller::Connect(mesh_->gateway_address());
    secrets_.Add("provider key", kKey);
  }

  // A model for each fault: what a lane learns of one says nothing of another.
  Settings SettingsOfRun() const {
    Settings settings = {{"providers.0.protocol", NameOf(GetParam())},
                         {"providers.0.api_key_env", "PENSTOCK_TEST_KEY"},
                         {"providers.0.first_token_timeout", "2s"},
                         {"providers.0.idle_timeout", "2s"},
                         {"agents.0.recall", "false"},
                         {"agents.0.remember", "false"}};
    std::vector<std::string> models;
    for (const ProviderFault& fault : faults_) {
      models.push_back(absl::StrCat("{name: ", ModelOf(fault), ", context_window_tokens: 32000,",
                                    " max_output_tokens: 1024,",
                                    " breaker: {open: 50ms, max_open: 100ms}}"));
    }
    settings["models"] = absl::StrCat("[", absl::StrJoin(models, ", "), "]");
    settings["agents.0.model"] = ModelOf(faults_[0]);
    settings["agents.1.model"] = ModelOf(faults_[0]);
    return settings;
  }

  static std::string ModelOf(const ProviderFault& fault) {
    return absl::StrCat("sim/", fault.name);
  }

  Seen Say(const ProviderFault& fault, const std::string& text) const {
    gateway::v1::StreamTurnRequest request;
    request.set_session(absl::StrCat("sessions/", fault.name));
    request.mutable_turn()->set_create_session(true);
    request.mutable_turn()->add_input()->mutable_text()->set_text(text);
    request.mutable_turn()->mutable_overrides()->set_model(ModelOf(fault));
    Seen seen;
    const auto see = [&](const chat::v1::TurnEvent& event) {
      if (event.delta().kind() == chat::v1::Delta::TEXT) seen.text += event.delta().text();
      if (event.has_finished()) seen.turn = event.finished().turn();
      return true;
    };
    const auto caller = mesh_->NewCaller({.user = "u", .tier = "unlimited"}, channel_);
    seen.status = caller->StreamTurn(request, see, kDeadline);
    return seen;
  }

  void ExpectRightEnd(const ProviderFault& fault, const Seen& seen) const {
    const std::string what = absl::StrCat(fault.name, ": ", seen.turn.ShortDebugString());
    EXPECT_TRUE(seen.status.ok()) << fault.name << ": " << seen.status;
    const absl::Status error = FromRpcStatus(seen.turn.error());
    if (fault.kind == chat::v1::ERROR_KIND_UNSPECIFIED) {
      EXPECT_EQ(seen.turn.state(), Turn::SUCCEEDED) << what;
    } else {
      EXPECT_EQ(seen.turn.state(), Turn::FAILED) << what;
      EXPECT_EQ(ReasonOf(error), chat::v1::ErrorKind_Name(fault.kind)) << what;
    }
    EXPECT_EQ(seen.turn.output_partial(), fault.partial) << what;
    EXPECT_EQ(OutputText(seen.turn), seen.text) << what;
    if (fault.partial) EXPECT_TRUE(absl::StartsWith(seen.text, "t1")) << what;
    EXPECT_THAT(secrets_.FoundIn(seen.turn.SerializeAsString()), IsEmpty()) << fault.name;
  }

  void TryAll() const {
    std::atomic<size_t> next = 0;
    const auto work = [&] {
      for (size_t i = next++; i < faults_.size(); i = next++) {
        ExpectRightEnd(faults_[i], Say(faults_[i], "Write.\n" + faults_[i].lines));
        const Seen after = Say(faults_[i], "Go on.");
        EXPECT_EQ(after.turn.state(), Turn::SUCCEEDED)
            << faults_[i].name << ", the turn after: " << after.status << " "
            << after.turn.ShortDebugString();
      }
    };
    std::vector<std::thread> threads;
    for (int i = 0; i < kWorkers; ++i) threads.emplace_back(work);
    for (std::thread& thread : threads) thread.join();
  }

  std::vector<ProviderFault> faults_;
  std::unique_ptr<Mesh> mesh_;
  std::shared_ptr<grpc::Channel> channel_;
  SecretSearch secrets_;
};

TEST_P(ProviderFaultsTest, EveryFaultEndsItsTurnAndNothingElse) {
  TryAll();

  EXPECT_TRUE(Eventually(absl::Seconds(10), [&] {
    const auto open = mesh_->simulator().OpenStreams();
    return open.ok() && *open == 0;
  })) << "streams of the provider that nobody closed";
  EXPECT_TRUE(mesh_->processes().CheckRunning().ok()) << mesh_->processes().CheckRunning();
  for (const std::string& name : mesh_->processes().names()) {
    if (name == "providersim") continue;
    const auto metrics = AdminPage(mesh_->folder(), name, "/metrics");
    ASSERT_TRUE(metrics.ok()) << metrics.status();
    EXPECT_THAT(*metrics, testing::HasSubstr("penstock_")) << name;
    EXPECT_THAT(secrets_.FoundIn(*metrics), IsEmpty()) << name;
  }
  EXPECT_TRUE(mesh_->Stop().ok());
  // Logs, the configuration, and what is stored.
  EXPECT_THAT(secrets_.FoundBelow(mesh_->folder()), IsEmpty());
  AddFigures({{absl::StrCat(NameOf(GetParam()), "_faults"), faults_.size()}});
}

INSTANTIATE_TEST_SUITE_P(Formats, ProviderFaultsTest,
                         testing::Values(Format::kOpenAi, Format::kAnthropic),
                         [](const auto& info) { return std::string(NameOf(info.param)); });

}  // namespace
}  // namespace penstock::harness
