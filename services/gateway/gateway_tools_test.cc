// The caller's tools through the public API, over a socket, with stand-ins for the other services.
#include <gmock/gmock.h>
#include <grpcpp/client_context.h>
#include <gtest/gtest.h>

#include "libs/base/refusal.h"
#include "libs/rpc/channel.h"
#include "libs/rpc/status.h"
#include "penstock/gateway/v1/turns.grpc.pb.h"
#include "services/gateway/gateway_harness.h"

namespace penstock::gateway {
namespace {

using chat::v1::Turn;
using chat::v1::TurnEvent;

class GatewayToolsTest : public testing::Test {
 protected:
  template <class Request>
  using Method = grpc::Status (v1::Turns::Stub::*)(grpc::ClientContext*, const Request&, Turn*);

  FakePeers& peers() { return harness_.peers(); }

  template <class Request>
  absl::StatusOr<Turn> Call(Method<Request> method, const Request& request) {
    grpc::ClientContext context;
    GatewayHarness::Authorize(context);
    Turn turn;
    const grpc::Status status = ((*turns_).*method)(&context, request, &turn);
    if (!status.ok()) return rpc::FromGrpc(status);
    return turn;
  }

  static TurnEvent ToolCallsEvent(int64_t index) {
    TurnEvent event;
    event.set_index(index);
    event.mutable_tool_calls_requested()->add_calls()->set_id("c1");
    return event;
  }
  static Turn TurnIn(Turn::State state) {
    Turn turn;
    turn.set_name(kFakeTurn);
    turn.set_state(state);
    return turn;
  }
  static v1::RunTurnRequest Ask() {
    v1::RunTurnRequest request;
    request.set_session("sessions/s1");
    request.mutable_turn()->add_input()->mutable_text()->set_text("where?");
    return request;
  }
  static v1::SubmitToolResultsRequest Results(const std::string& request_id) {
    v1::SubmitToolResultsRequest request;
    request.set_name(kFakeTurn);
    request.set_request_id(request_id);
    request.add_results()->set_tool_call_id("c1");
    request.mutable_results(0)->set_content("here");
    return request;
  }

  GatewayHarness harness_;
  const std::shared_ptr<grpc::Channel> channel_ = rpc::OpenChannel(harness_.endpoint());
  const std::unique_ptr<v1::Turns::Stub> turns_ = v1::Turns::NewStub(channel_);
};

TEST_F(GatewayToolsTest, RunTurnAnswersWhenItsToolsAreWanted) {
  peers().streams = {{{AcceptedEvent(), ToolCallsEvent(2)}, {}, /*stays_open=*/true}};
  peers().live = {TurnIn(Turn::AWAITING_TOOLS)};

  const auto turn = Call(&v1::Turns::Stub::RunTurn, Ask());

  ASSERT_TRUE(turn.ok()) << turn.status();
  EXPECT_EQ(turn->state(), Turn::AWAITING_TOOLS);
}

TEST_F(GatewayToolsTest, RunTurnWaitsOnForToolsThatWereAnsweredSince) {
  peers().streams = {{{AcceptedEvent(), ToolCallsEvent(2), FinishedEvent(3)}, {}}};
  peers().live = {TurnIn(Turn::RUNNING)};

  const auto turn = Call(&v1::Turns::Stub::RunTurn, Ask());

  ASSERT_TRUE(turn.ok()) << turn.status();
  EXPECT_EQ(turn->state(), Turn::SUCCEEDED);
}

TEST_F(GatewayToolsTest, ResultsGoToTheDispatcherUnchanged) {
  peers().live = {TurnIn(Turn::AWAITING_TOOLS)};

  const auto turn = Call(&v1::Turns::Stub::SubmitToolResults, Results("tools-1"));

  ASSERT_TRUE(turn.ok()) << turn.status();
  ASSERT_EQ(peers().tool_results.size(), 1u);
  EXPECT_EQ(peers().tool_results[0].name(), kFakeTurn);
  EXPECT_EQ(peers().tool_results[0].request_id(), "tools-1");
  EXPECT_EQ(peers().tool_results[0].results(0).content(), "here");
}

TEST_F(GatewayToolsTest, ResultsOfUnknownFateAreSentAgainOnlyWithAnIdMadeHere) {
  peers().live = {TurnIn(Turn::AWAITING_TOOLS)};
  peers().errors = {Lost()};
  EXPECT_TRUE(Call(&v1::Turns::Stub::SubmitToolResults, Results("")).ok());
  ASSERT_EQ(peers().tool_results.size(), 1u);
  EXPECT_FALSE(peers().tool_results[0].request_id().empty());

  peers().errors = {Lost()};
  EXPECT_EQ(ReasonOf(Call(&v1::Turns::Stub::SubmitToolResults, Results("tools-1")).status()),
            "STORE_UNAVAILABLE");
}

TEST_F(GatewayToolsTest, TheDispatchersRefusalReachesTheCallerWithItsIds) {
  peers().errors = {Refusal(absl::StatusCode::kFailedPrecondition, "TOOL_CALL_MISMATCH", "no")
                        .With("expected_ids", "c7")};

  const auto refused = Call(&v1::Turns::Stub::SubmitToolResults, Results("tools-1"));

  EXPECT_EQ(ReasonOf(refused.status()), "TOOL_CALL_MISMATCH");
  EXPECT_EQ(MetadataOf(refused.status(), "expected_ids"), "c7");
}

}  // namespace
}  // namespace penstock::gateway
