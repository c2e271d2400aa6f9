// What a caller of the public API is told when its turn is not taken.

#include <string>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "libs/base/refusal.h"
#include "tests/harness/caller.h"
#include "tests/harness/tokens.h"
#include "tests/mesh/in_process_mesh.h"

namespace penstock::mesh {
namespace {

using gateway::v1::Turns;
using testing::HasSubstr;

class AdmissionMeshTest : public testing::Test {
 protected:
  void SetUp() override {
    auto mesh = InProcessMesh::Start({{"tiers",
                                       "[{name: free, turn_class: FREE, turns_per_hour: 2},"
                                       " {name: thrifty, turn_class: PAID, tokens_per_day: 1}]"}});
    ASSERT_TRUE(mesh.ok()) << mesh.status();
    mesh_ = *std::move(mesh);
  }

  absl::StatusOr<chat::v1::Turn> Run(const harness::TokenUser& user,
                                     const std::string& request_id) {
    const harness::Caller caller(mesh_->ConnectToGateway(), mesh_->tokens().For(user));
    gateway::v1::RunTurnRequest request;
    request.set_session("sessions/s");
    request.set_request_id(request_id);
    request.mutable_turn()->set_create_session(true);
    request.mutable_turn()->add_input()->mutable_text()->set_text("hello");
    return caller.Call(caller.turns(), &Turns::Stub::RunTurn, request);
  }

  std::unique_ptr<InProcessMesh> mesh_;
};

TEST_F(AdmissionMeshTest, ARateSaysWhyUntilWhenAndWhatToShow) {
  const harness::TokenUser user{.user = "u", .tier = "free"};
  const auto first = Run(user, "r1");
  ASSERT_TRUE(first.ok()) << first.status();
  ASSERT_TRUE(Run(user, "r2").ok());

  const absl::Status refused = Run(user, "r3").status();

  EXPECT_EQ(refused.code(), absl::StatusCode::kResourceExhausted);
  EXPECT_EQ(ReasonOf(refused), "USER_RATE");
  EXPECT_EQ(MetadataOf(refused, "limit"), "2");
  EXPECT_EQ(MetadataOf(refused, "class"), "CLASS_FREE");
  EXPECT_NE(MetadataOf(refused, "eta_ms"), "");
  EXPECT_GT(RetryAfterOf(refused).value(), absl::Minutes(59));
  EXPECT_THAT(SaidBy(refused), HasSubstr("the 2 messages that your plan allows in an hour"));
  // The same request is the same turn, and takes nothing.
  EXPECT_EQ(Run(user, "r1")->name(), first->name());
  EXPECT_TRUE(Run({.user = "v", .tier = "free"}, "r1").ok());
}

TEST_F(AdmissionMeshTest, ABudgetIsSpentByWhatTurnsTook) {
  const harness::TokenUser user{.user = "u", .tier = "thrifty"};
  ASSERT_TRUE(Run(user, "r1").ok());

  const absl::Status refused = Run(user, "r2").status();

  EXPECT_EQ(ReasonOf(refused), "USER_BUDGET");
  EXPECT_THAT(SaidBy(refused), HasSubstr("what your plan allows in a day"));
}

TEST_F(AdmissionMeshTest, ATokenOfAnUnknownTierIsRefusedWithThoseThereAre) {
  const absl::Status refused = Run({.user = "u", .tier = "paid"}, "r1").status();

  EXPECT_EQ(refused.code(), absl::StatusCode::kUnauthenticated);
  EXPECT_EQ(ReasonOf(refused), "TOKEN_MALFORMED");
  EXPECT_THAT(refused.message(), HasSubstr("expected one of tiers[]: free, thrifty"));
}

}  // namespace
}  // namespace penstock::mesh
