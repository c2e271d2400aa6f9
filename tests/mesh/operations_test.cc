// The load of the queue, through the gateway: for those who operate Penstock, and nobody else.

#include <gtest/gtest.h>

#include "libs/base/refusal.h"
#include "penstock/dispatcher/v1/operations.grpc.pb.h"
#include "tests/harness/caller.h"
#include "tests/harness/tokens.h"
#include "tests/mesh/in_process_mesh.h"

namespace penstock::mesh {
namespace {

using dispatcher::v1::Load;
using dispatcher::v1::Operations;

TEST(Operations, TheScopeOfATokenReachesTheDispatcher) {
  const auto mesh = InProcessMesh::Start({});
  ASSERT_TRUE(mesh.ok()) << mesh.status();
  const auto channel = (*mesh)->ConnectToGateway();
  Operations::Stub operations(channel);
  const auto load_for = [&](std::vector<std::string> scopes) -> absl::StatusOr<Load> {
    const harness::Caller caller(channel,
                                 (*mesh)->tokens().For({.user = "olga", .scopes = scopes}));
    return caller.Call(operations, &Operations::Stub::GetLoad, dispatcher::v1::GetLoadRequest());
  };

  const auto load = load_for({"turns.action", "operator"});

  ASSERT_TRUE(load.ok()) << load.status();
  ASSERT_EQ(load->pools_size(), (*mesh)->config().models_size());
  EXPECT_EQ(load->pools(0).classes_size(), 5);
  const std::vector<std::vector<std::string>> others = {{}, {"turns.action"}, {"operators"}};
  for (const auto& scopes : others) {
    EXPECT_EQ(ReasonOf(load_for(scopes).status()), "SCOPE_MISSING");
  }
}

}  // namespace
}  // namespace penstock::mesh
