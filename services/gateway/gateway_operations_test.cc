// The RPCs of those who operate Penstock, over a socket, with a stand-in for the dispatcher.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "libs/base/refusal.h"
#include "libs/rpc/channel.h"
#include "libs/rpc/status.h"
#include "penstock/dispatcher/v1/operations.grpc.pb.h"
#include "services/gateway/gateway_harness.h"

namespace penstock::gateway {
namespace {

using dispatcher::v1::Operations;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::Not;

class GatewayOperationsTest : public testing::Test {
 protected:
  struct Called {
    absl::StatusOr<dispatcher::v1::Load> load;
    std::string log;
  };

  Called GetLoad(const std::string& scope) {
    grpc::ClientContext context;
    GatewayHarness::Authorize(context, "olga", scope);
    dispatcher::v1::Load load;
    testing::internal::CaptureStderr();
    const absl::Status status =
        rpc::FromGrpc(operations_->GetLoad(&context, dispatcher::v1::GetLoadRequest(), &load));
    Called called{load, testing::internal::GetCapturedStderr()};
    if (!status.ok()) called.load = status;
    return called;
  }

  GatewayHarness harness_;
  std::unique_ptr<Operations::Stub> operations_ =
      Operations::NewStub(rpc::OpenChannel(harness_.endpoint()));
};

TEST_F(GatewayOperationsTest, LoadIsTheDispatchersForWhoHasTheScope) {
  harness_.peers().load.add_pools()->set_name("sim/echo");

  const Called called = GetLoad("operator");

  ASSERT_TRUE(called.load.ok()) << called.load.status();
  ASSERT_EQ(called.load->pools_size(), 1);
  EXPECT_EQ(called.load->pools(0).name(), "sim/echo");
  EXPECT_EQ(harness_.peers().user, "olga");
  EXPECT_THAT(harness_.peers().scopes, ElementsAre("operator"));
}

TEST_F(GatewayOperationsTest, WithoutTheScopeNobodyIsAsked) {
  const Called called = GetLoad("turns.action");

  EXPECT_EQ(called.load.status().code(), absl::StatusCode::kPermissionDenied);
  EXPECT_EQ(ReasonOf(called.load.status()), "SCOPE_MISSING");
  EXPECT_EQ(MetadataOf(called.load.status(), "scope"), "operator");
  EXPECT_THAT(harness_.peers().calls, IsEmpty());
}

TEST_F(GatewayOperationsTest, EveryCallIsALineOfTheLog) {
  const Called good = GetLoad("operator");
  const Called bad = GetLoad("");

  EXPECT_THAT(good.log, HasSubstr(R"("message":"operator call","call":"Operations/GetLoad",)"
                                  R"("tenant":"dev","user":"olga","code":"OK","trace_id":)"));
  EXPECT_THAT(good.log, Not(HasSubstr("reason")));
  EXPECT_THAT(bad.log, HasSubstr(R"("user":"olga","code":"PERMISSION_DENIED",)"
                                 R"("reason":"SCOPE_MISSING")"));
}

TEST_F(GatewayOperationsTest, ADispatcherThatIsAwayIsToldAsSuch) {
  harness_.peers().errors = {Lost()};

  EXPECT_EQ(ReasonOf(GetLoad("operator").load.status()), "STORE_UNAVAILABLE");
}

}  // namespace
}  // namespace penstock::gateway
