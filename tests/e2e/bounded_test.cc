// What is bounded stays so: memory under readers that take nothing, the cost of a turn in a long
// session. PENSTOCK_SCALE=full: 200 readers of 4 MiB in all, a session of 10,000 turns.

#include <algorithm>
#include <map>
#include <memory>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include <grpcpp/create_channel.h>
#include <grpcpp/security/credentials.h>
#include <gtest/gtest.h>

#include "tests/harness/eventually.h"
#include "tests/harness/heavy_test.h"
#include "tests/harness/mesh.h"
#include "tests/harness/process_memory.h"

#include "absl/strings/str_cat.h"
#include "absl/time/clock.h"

namespace penstock::harness {
namespace {

using chat::v1::Turn;
using chat::v1::TurnEvent;

constexpr absl::Duration kPatience = absl::Seconds(120);
constexpr int64_t kKiB = 1024;
constexpr int64_t kMiB = 1024 * kKiB;

bool Failed() { return testing::Test::HasFailure(); }

// Watches a turn on a connection of its own and takes nothing.
class StalledReader : public grpc::ClientReadReactor<TurnEvent> {
 public:
  StalledReader(const Mesh& mesh, const std::string& turn) {
    grpc::ChannelArguments own;
    own.SetInt(GRPC_ARG_USE_LOCAL_SUBCHANNEL_POOL, 1);
    caller_ = mesh.NewCaller(
        {.user = "u"},
        grpc::CreateCustomChannel(mesh.gateway_address(), grpc::InsecureChannelCredentials(), own));
    request_.set_name(turn);
    context_ = caller_->NewContext(kPatience);
    caller_->turns().async()->WatchTurn(context_.get(), &request_, this);
    StartCall();
  }
  ~StalledReader() override {
    context_->TryCancel();
    MutexLock lock(mutex_);
    while (!done_) ended_.Wait(mutex_);
  }

 private:
  void OnDone(const grpc::Status&) override {
    MutexLock lock(mutex_);
    done_ = true;
    ended_.NotifyAll();
  }

  std::unique_ptr<Caller> caller_;
  gateway::v1::WatchTurnRequest request_;
  std::unique_ptr<grpc::ClientContext> context_;
  Mutex mutex_;
  CondVar ended_;
  bool done_ ABSL_GUARDED_BY(mutex_) = false;
};

class BoundedTest : public testing::TestWithParam<Shape> {
 protected:
  void Start(Settings settings) {
    auto mesh =
        Mesh::Start({.shape = GetParam(), .settings = std::move(settings), .failed = Failed});
    ASSERT_TRUE(mesh.ok()) << mesh.status();
    mesh_ = *std::move(mesh);
    caller_ = mesh_->NewCaller({.user = "u"});
  }

  std::string Submit(const std::string& session, const std::string& text) {
    gateway::v1::SubmitTurnRequest request;
    request.set_session(session);
    request.mutable_turn()->set_create_session(true);
    request.mutable_turn()->add_input()->mutable_text()->set_text(text);
    const auto turn =
        caller_->Call(caller_->turns(), &gateway::v1::Turns::Stub::SubmitTurn, request);
    EXPECT_TRUE(turn.ok()) << turn.status();
    return turn.ok() ? turn->name() : "";
  }

  // Of every service.
  std::map<std::string, int64_t> ResidentBytes() {
    std::map<std::string, int64_t> bytes;
    for (const std::string& name : mesh_->processes().names()) {
      if (name != "providersim") bytes[name] = ResidentMemory(mesh_->processes().pid(name));
    }
    return bytes;
  }

  std::unique_ptr<Mesh> mesh_;
  std::unique_ptr<Caller> caller_;
};

TEST_P(BoundedTest, ReadersThatTakeNothingCostLittle) {
  const size_t readers_of_each = IsFullSize() ? 50 : 10;
  // A million bytes, just below turn.max_output_bytes.
  constexpr char kLong[] = "/sim tokens 140000\n/sim events 2000\n/sim interval 1";
  Start({{"stream.stall_timeout", "300s"}});
  Submit("sessions/warm", kLong);
  ASSERT_TRUE(Eventually(kPatience, [&] {
    const auto turns = caller_->AllTurns("sessions/warm");
    return turns.ok() && turns->size() == 1 && turns->front().has_end_time();
  }));
  const auto before = ResidentBytes();

  std::vector<std::unique_ptr<StalledReader>> readers;
  std::vector<std::string> turns;
  for (int i = 0; i < 4; ++i) {
    turns.push_back(Submit(absl::StrCat("sessions/s", i), kLong));
    for (size_t reader = 0; reader < readers_of_each; ++reader) {
      readers.push_back(std::make_unique<StalledReader>(*mesh_, turns.back()));
    }
  }
  for (const std::string& turn : turns) {
    EXPECT_TRUE(Eventually(kPatience, [&] {
      const auto found = caller_->GetTurn(turn);
      return found.ok() && found->has_end_time();
    }));
  }
  const auto after = ResidentBytes();

  const auto allowed = static_cast<int64_t>(readers.size()) * 64 * kKiB + 32 * kMiB;
  for (const auto& [name, bytes] : after) {
    const int64_t grew = bytes - before.at(name);
    EXPECT_LE(grew, allowed) << name;
    std::printf("%s grew by %.1f MiB for %zu stalled readers\n", name.c_str(),
                static_cast<double>(grew) / kMiB, readers.size());
    AddFigures({{absl::StrCat(NameOf(GetParam()), ": MiB more of ", name),
                 static_cast<double>(grew) / kMiB}});
  }
}

TEST_P(BoundedTest, ATurnOfALongSessionCostsWhatOneOfAShortSessionDoes) {
  const int turns = IsFullSize() ? 10'000 : 400;
  constexpr int kWindow = 20;
  Start({{"session.max_history_turns", absl::StrCat(kWindow)}});
  std::vector<absl::Duration> taken;
  int64_t prompt_tokens_short = 0;
  for (int i = 0; i < turns; ++i) {
    gateway::v1::RunTurnRequest request;
    request.set_session("sessions/long");
    request.mutable_turn()->set_create_session(true);
    request.mutable_turn()->mutable_memory()->set_recall(false);
    request.mutable_turn()->mutable_memory()->set_remember(false);
    request.mutable_turn()->add_input()->mutable_text()->set_text("One more line of this session.");
    const absl::Time begin = absl::Now();
    const auto turn = caller_->Call(caller_->turns(), &gateway::v1::Turns::Stub::RunTurn, request);
    ASSERT_TRUE(turn.ok()) << turn.status();
    taken.push_back(absl::Now() - begin);
    if (i == kWindow) prompt_tokens_short = turn->usage().input_tokens();
    // Older turns are not even read.
    if (i > kWindow) ASSERT_EQ(turn->usage().input_tokens(), prompt_tokens_short);
  }

  const auto p99 = [&](size_t first, size_t last) {
    std::vector<absl::Duration> some(taken.begin() + static_cast<ptrdiff_t>(first),
                                     taken.begin() + static_cast<ptrdiff_t>(last));
    std::sort(some.begin(), some.end());
    return some[some.size() * 99 / 100];
  };
  const size_t tenth = taken.size() / 10;
  const absl::Duration early = p99(kWindow, kWindow + tenth);
  const absl::Duration late = p99(taken.size() - tenth, taken.size());
  std::printf("p99 of a turn: %s at the begin of the session, %s at its end\n",
              absl::FormatDuration(early).c_str(), absl::FormatDuration(late).c_str());
  AddFigures(
      {{absl::StrCat(NameOf(GetParam()), ": p99 ms of a turn at the begin of a long session"),
        absl::ToDoubleMilliseconds(early)},
       {absl::StrCat(NameOf(GetParam()), ": at its end"), absl::ToDoubleMilliseconds(late)}});
  if (IsFullSize()) EXPECT_LE(late, 2 * early);
}

INSTANTIATE_TEST_SUITE_P(, BoundedTest, testing::Values(Shape::kStandalone, Shape::kFiveProcesses),
                         [](const auto& shape) { return std::string(NameOf(shape.param)); });

}  // namespace
}  // namespace penstock::harness
