// A service that names its users itself, over a socket: for whom do the other services work then?
#include <gmock/gmock.h>
#include <grpcpp/client_context.h>
#include <gtest/gtest.h>

#include "libs/base/refusal.h"
#include "libs/identity/jwt.h"
#include "libs/rpc/channel.h"
#include "libs/rpc/status.h"
#include "penstock/gateway/v1/turns.grpc.pb.h"
#include "services/gateway/gateway_harness.h"

namespace penstock::gateway {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;

const std::string kMetadata(identity::kOnBehalfOfMetadata);

class GatewayActAsTest : public testing::Test {
 protected:
  GatewayActAsTest() { harness_.peers().live = {TurnOf(1, chat::v1::Turn::RUNNING)}; }

  // GetTurn with a token of `subject`, in the name of `users`.
  absl::Status Call(const std::string& subject, const std::string& scope,
                    const std::vector<std::string>& users) {
    grpc::ClientContext context;
    GatewayHarness::Authorize(context, subject, scope);
    for (const std::string& user : users) context.AddMetadata(kMetadata, user);
    v1::GetTurnRequest request;
    request.set_name(kFakeTurn);
    chat::v1::Turn turn;
    return rpc::FromGrpc(stub_->GetTurn(&context, request, &turn));
  }

  GatewayHarness harness_;
  std::unique_ptr<v1::Turns::Stub> stub_ =
      v1::Turns::NewStub(rpc::OpenChannel(harness_.endpoint()));
};

TEST_F(GatewayActAsTest, TheNamedUserIsWhoTheOtherServicesWorkFor) {
  EXPECT_TRUE(Call("billing", "act_as", {"ann"}).ok());
  EXPECT_EQ(harness_.peers().user, "ann");
  EXPECT_THAT(harness_.peers().scopes, ElementsAre("act_as"));

  EXPECT_TRUE(Call("billing", "act_as", {"customer 7/b"}).ok());
  EXPECT_EQ(harness_.peers().user, "customer 7/b");
}

// On one connection: the name stays in its call.
TEST_F(GatewayActAsTest, NobodyIsLeftBehindForTheNextCall) {
  ASSERT_TRUE(Call("billing", "act_as", {"ann"}).ok());

  EXPECT_EQ(ReasonOf(Call("billing", "act_as", {})), "ACT_AS_REQUIRED");
  EXPECT_TRUE(Call("bob", "", {}).ok());

  EXPECT_EQ(harness_.peers().user, "bob");
}

TEST_F(GatewayActAsTest, WithoutTheScopeNobodyIsAsked) {
  for (const char* scope : {"", "operator", "act_as2"}) {
    const absl::Status refused = Call("ann", scope, {"bob"});

    EXPECT_EQ(refused.code(), absl::StatusCode::kPermissionDenied) << scope;
    EXPECT_EQ(ReasonOf(refused), "SCOPE_MISSING");
    EXPECT_EQ(MetadataOf(refused, "scope"), "act_as");
  }
  EXPECT_THAT(harness_.peers().calls, IsEmpty());
}

TEST_F(GatewayActAsTest, TheScopeWithoutAUserIsRefused) {
  const absl::Status refused = Call("billing", "act_as", {});

  EXPECT_EQ(refused.code(), absl::StatusCode::kUnauthenticated);
  EXPECT_EQ(ReasonOf(refused), "ACT_AS_REQUIRED");
  EXPECT_THAT(harness_.peers().calls, IsEmpty());
}

TEST_F(GatewayActAsTest, OneUserIsNamedAndNotTwo) {
  EXPECT_EQ(ReasonOf(Call("billing", "act_as", {"ann", "bob"})), "TOKEN_MALFORMED");
  EXPECT_EQ(ReasonOf(Call("billing", "act_as", {"ann", "ann"})), "TOKEN_MALFORMED");
  EXPECT_THAT(harness_.peers().calls, IsEmpty());
}

TEST_F(GatewayActAsTest, ANameIsPrintableAndNotTooLong) {
  const absl::Status refused = Call("billing", "act_as", {std::string(129, 'u')});

  EXPECT_EQ(refused.code(), absl::StatusCode::kInvalidArgument);
  EXPECT_EQ(MetadataOf(refused, "field"), kMetadata);
  EXPECT_TRUE(Call("billing", "act_as", {std::string(128, 'u')}).ok());
}

}  // namespace
}  // namespace penstock::gateway
