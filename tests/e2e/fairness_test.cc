// One who floods a pool delays the others by their share, not by the length of the flood.

#include <algorithm>
#include <memory>
#include <string>
#include <vector>

#include <gtest/gtest.h>

#include "libs/base/proto_time.h"
#include "tests/harness/eventually.h"
#include "tests/harness/mesh.h"

#include "absl/strings/str_cat.h"

namespace penstock::harness {
namespace {

using chat::v1::Turn;

constexpr absl::Duration kPatience = absl::Seconds(60);
constexpr int kFlood = 60;
constexpr int kOthers = 9;
// Calls at a time.
constexpr int kConcurrency = 2;

bool Failed() { return testing::Test::HasFailure(); }

class FairnessTest : public testing::TestWithParam<Shape> {
 protected:
  void SetUp() override {
    auto mesh = Mesh::Start({.shape = GetParam(),
                             .settings = {{"models.0.concurrency", absl::StrCat(kConcurrency)},
                                          {"identity.issuers.0.tenants",
                                           "[flood, t1, t2, t3, t4, t5, t6, t7, t8, t9]"}},
                             .failed = Failed});
    ASSERT_TRUE(mesh.ok()) << mesh.status();
    mesh_ = *std::move(mesh);
  }

  struct Sent {
    const Caller* caller;
    std::string name;
  };

  // A turn of a new session, in the one class that no first turn leaves.
  Sent Submit(const TokenUser& user, const std::string& session, const std::string& text) {
    callers_.push_back(mesh_->NewCaller(user));
    const Caller& caller = *callers_.back();
    gateway::v1::SubmitTurnRequest request;
    request.set_session(absl::StrCat("sessions/", session));
    request.mutable_turn()->set_create_session(true);
    request.mutable_turn()->set_urgency(chat::v1::BATCH);
    request.mutable_turn()->add_input()->mutable_text()->set_text(text);
    const auto turn = caller.Call(caller.turns(), &gateway::v1::Turns::Stub::SubmitTurn, request);
    EXPECT_TRUE(turn.ok()) << turn.status();
    return {&caller, turn.ok() ? turn->name() : ""};
  }

  static std::vector<Turn> Ended(const std::vector<Sent>& all) {
    std::vector<Turn> turns;
    for (const Sent& sent : all) {
      turns.emplace_back();
      EXPECT_TRUE(Eventually(kPatience, [&] {
        auto found = sent.caller->GetTurn(sent.name);
        if (found.ok()) turns.back() = *std::move(found);
        return turns.back().has_end_time();
      })) << sent.name;
      EXPECT_EQ(turns.back().state(), Turn::SUCCEEDED) << turns.back().DebugString();
    }
    return turns;
  }

  // The flood's answers are longer, too. Its turns that start while the others wait are counted:
  // those whose permit was given before, and what falls to it beside nine others.
  void ExpectNoDelay(const TokenUser& flood, const std::vector<TokenUser>& others) {
    std::vector<Sent> of_flood;
    for (int i = 0; i < kFlood; ++i) {
      of_flood.push_back(
          Submit(flood, absl::StrCat("f", i), "Write.\n/sim delay 50\n/sim tokens 60"));
    }
    std::vector<Sent> of_others;
    for (const TokenUser& user : others) {
      of_others.push_back(Submit(user, "s", "Write.\n/sim delay 50\n/sim tokens 10"));
    }
    absl::Time all_wait = absl::InfinitePast();
    absl::Time last_start = absl::InfinitePast();
    for (const Turn& turn : Ended(of_others)) {
      all_wait = std::max(all_wait, FromProto(turn.create_time()));
      last_start = std::max(last_start, FromProto(turn.start_time()));
    }
    int waiting = 0;
    int meanwhile = 0;
    for (const Turn& turn : Ended(of_flood)) {
      const absl::Time start = FromProto(turn.start_time());
      waiting += start > all_wait;
      meanwhile += start > all_wait && start < last_start;
    }
    ASSERT_GE(waiting, kFlood / 3) << "the flood was over before the others came";
    EXPECT_LE(meanwhile, kConcurrency + 2);
  }

  std::unique_ptr<Mesh> mesh_;
  std::vector<std::unique_ptr<Caller>> callers_;
};

TEST_P(FairnessTest, AUserWhoFloodsDelaysTheOthersOfTheTenantByTheirShare) {
  std::vector<TokenUser> others;
  for (int i = 1; i <= kOthers; ++i) {
    others.push_back({.user = absl::StrCat("u", i), .tenant = "flood"});
  }
  ExpectNoDelay({.user = "flood", .tenant = "flood"}, others);
}

TEST_P(FairnessTest, ATenantThatFloodsDelaysTheOthersByTheirShare) {
  std::vector<TokenUser> others;
  for (int i = 1; i <= kOthers; ++i) {
    others.push_back({.user = "u", .tenant = absl::StrCat("t", i)});
  }
  ExpectNoDelay({.user = "u", .tenant = "flood"}, others);
}

INSTANTIATE_TEST_SUITE_P(, FairnessTest, testing::Values(Shape::kStandalone, Shape::kFiveProcesses),
                         [](const auto& shape) { return std::string(NameOf(shape.param)); });

}  // namespace
}  // namespace penstock::harness
