// A gateway that dies takes no stream with it: every caller goes on at another gateway, after the
// last event it has seen, and what it has joined is the answer. PENSTOCK_SCALE=full: 100 streams.

#include <memory>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include <gtest/gtest.h>

#include "tests/harness/collect.h"
#include "tests/harness/heavy_test.h"
#include "tests/harness/judge.h"
#include "tests/harness/mesh.h"
#include "tests/harness/persistent_caller.h"

#include "absl/strings/str_cat.h"
#include "absl/strings/strip.h"
#include "absl/time/clock.h"

namespace penstock::harness {
namespace {

constexpr absl::Duration kPatience = absl::Seconds(60);

bool Failed() { return testing::Test::HasFailure(); }

int Streams() { return IsFullSize() ? 100 : 20; }

std::string UserOf(int stream) { return absl::StrCat("user", stream); }

// Five processes and a second gateway; callers take the first as long as it lives.
class ResumeTest : public testing::Test {
 protected:
  void SetUp() override {
    auto mesh = Mesh::Start({.shape = Shape::kFiveProcesses,
                             .settings = {{"models.0.concurrency", "200"}},
                             .simulator_flags = {"--record-limit", "10000"},
                             .failed = Failed});
    ASSERT_TRUE(mesh.ok()) << mesh.status();
    mesh_ = *std::move(mesh);
    const std::string second = mesh_->AddressFor("gateway2");
    const absl::Status started = mesh_->StartMore(
        "gateway", "gateway2", {{"endpoints.gateway", absl::StrCat("\"", second, "\"")}});
    ASSERT_TRUE(started.ok()) << started;
    const std::string both =
        absl::StrCat(mesh_->gateway_address(), ",", absl::StripPrefix(second, "unix:"));
    for (int stream = 0; stream < Streams(); ++stream) {
      callers_.push_back(mesh_->NewCaller({.user = UserOf(stream)}, Caller::Connect(both)));
    }
  }

  // Opens every stream, does `meanwhile` once all of them have text, and judges what they saw.
  template <class Meanwhile>
  Report Run(Meanwhile meanwhile) {
    std::vector<std::thread> threads;
    for (int stream = 0; stream < Streams(); ++stream) {
      threads.emplace_back([this, stream] { Follow(stream); });
    }
    AwaitOpenStreams();
    meanwhile();
    for (std::thread& thread : threads) thread.join();
    History history = ledger_.Take();
    const absl::Time give_up = absl::Now() + kPatience;
    for (int stream = 0; stream < Streams(); ++stream) {
      const absl::Status collected =
          CollectStored(*callers_[static_cast<size_t>(stream)], UserOf(stream), give_up, history);
      EXPECT_TRUE(collected.ok()) << collected;
    }
    for (const StoredTurn& turn : history.stored) {
      EXPECT_EQ(turn.state, chat::v1::Turn::SUCCEEDED) << turn.name;
    }
    EXPECT_EQ(static_cast<int>(history.stored.size()), Streams());
    const absl::Status received = CollectProviderCalls(mesh_->simulator(), history);
    EXPECT_TRUE(received.ok()) << received;
    return Judge(history);
  }

  std::unique_ptr<Mesh> mesh_;

 private:
  void Follow(int stream) {
    const PersistentCaller caller(*callers_[static_cast<size_t>(stream)], ledger_);
    const std::string user = UserOf(stream);
    const absl::Time give_up = absl::Now() + kPatience;
    const auto turn = caller.Submit({absl::StrCat("r", stream), user, "sessions/s", 1},
                                    "Write.\n/sim tokens 150\n/sim interval 20", give_up);
    ASSERT_TRUE(turn.ok()) << turn.status();
    const absl::Status followed = caller.Follow(user, *turn, give_up);
    EXPECT_TRUE(followed.ok()) << followed;
  }

  void AwaitOpenStreams() {
    for (const absl::Time until = absl::Now() + kPatience; absl::Now() < until;) {
      const auto open = mesh_->simulator().OpenStreams();
      if (open.ok() && *open == Streams()) return;
      std::this_thread::sleep_for(std::chrono::milliseconds(5));
    }
    ADD_FAILURE() << "not all streams are open";
  }

  std::vector<std::unique_ptr<Caller>> callers_;
  Ledger ledger_;
};

TEST_F(ResumeTest, StreamsOfAKilledGatewayGoOnAtAnother) {
  const Report report = Run([&] { EXPECT_TRUE(mesh_->processes().Kill("gateway").ok()); });

  EXPECT_TRUE(report.clean()) << report.ToString();
  EXPECT_EQ(report.counts.repeated_provider_calls, 0);
  EXPECT_EQ(report.counts.restarted_watches, 0);
}

TEST_F(ResumeTest, StreamsOverARestartedDispatcherSeeRestarted) {
  const Report report = Run([&] {
    EXPECT_TRUE(mesh_->processes().Kill("dispatcher").ok());
    EXPECT_TRUE(mesh_->processes().Restart("dispatcher").ok());
  });

  EXPECT_TRUE(report.clean()) << report.ToString();
  EXPECT_GT(report.counts.restarted_watches, 0);
}

}  // namespace
}  // namespace penstock::harness
