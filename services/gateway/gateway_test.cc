// Unary calls of the public API, over a socket, with stand-ins for the other services.
#include <future>

#include <gmock/gmock.h>
#include <grpcpp/generic/generic_stub.h>
#include <gtest/gtest.h>

#include "libs/base/refusal.h"
#include "libs/rpc/channel.h"
#include "libs/rpc/status.h"
#include "penstock/gateway/v1/memories.grpc.pb.h"
#include "penstock/gateway/v1/sessions.grpc.pb.h"
#include "penstock/gateway/v1/turns.grpc.pb.h"
#include "services/gateway/gateway_harness.h"

#include "absl/strings/str_cat.h"

namespace penstock::gateway {
namespace {

using absl::StatusCode;
using chat::v1::Turn;
using grpc::ClientContext;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::Not;

class GatewayTest : public testing::Test {
 protected:
  void Start(const std::string& yaml = "") {
    harness_ = std::make_unique<GatewayHarness>(yaml);
    channel_ = rpc::OpenChannel(harness_->endpoint());
    turns_ = v1::Turns::NewStub(channel_);
    sessions_ = v1::Sessions::NewStub(channel_);
    memories_ = v1::Memories::NewStub(channel_);
  }
  void SetUp() override { Start(); }

  FakePeers& peers() { return harness_->peers(); }

  // Calls a unary RPC.
  template <class Stub, class Request, class Response>
  absl::StatusOr<Response> Call(Stub& stub,
                                grpc::Status (Stub::*rpc)(ClientContext*, const Request&,
                                                          Response*),
                                const Request& request) {
    ClientContext context;
    GatewayHarness::Authorize(context);
    Response response;
    const absl::Status status = rpc::FromGrpc((stub.*rpc)(&context, request, &response));
    if (!status.ok()) return status;
    return response;
  }
  template <class Request>
  static Request Named(std::string name) {
    Request request;
    request.set_name(std::move(name));
    return request;
  }

  std::unique_ptr<GatewayHarness> harness_;
  std::shared_ptr<grpc::Channel> channel_;
  std::unique_ptr<v1::Turns::Stub> turns_;
  std::unique_ptr<v1::Sessions::Stub> sessions_;
  std::unique_ptr<v1::Memories::Stub> memories_;
};

TEST_F(GatewayTest, TurnIsTheDispatchersWhileItLivesThenSessionStates) {
  peers().live = {TurnOf(2, Turn::RUNNING)};
  peers().ended = {TurnOf(1, Turn::FAILED)};
  const auto get = [&](const std::string& name) {
    return Call(*turns_, &v1::Turns::Stub::GetTurn, Named<v1::GetTurnRequest>(name));
  };

  EXPECT_EQ(get("sessions/s1/turns/t2")->state(), Turn::RUNNING);
  EXPECT_EQ(get("sessions/s1/turns/t1")->state(), Turn::FAILED);
  EXPECT_EQ(ReasonOf(get("sessions/s1/turns/t3").status()), "TURN_NOT_FOUND");
}

TEST_F(GatewayTest, ListsLiveAndEndedTurnsPageByPage) {
  peers().live = {TurnOf(5, Turn::QUEUED), TurnOf(4, Turn::RUNNING)};
  peers().ended = {TurnOf(3, Turn::SUCCEEDED), TurnOf(2, Turn::FAILED), TurnOf(1, Turn::EXPIRED)};
  v1::ListTurnsRequest request;
  request.set_parent("sessions/s1");
  request.set_page_size(2);
  std::vector<int64_t> seen;
  do {
    const auto page = Call(*turns_, &v1::Turns::Stub::ListTurns, request);
    ASSERT_TRUE(page.ok()) << page.status();
    EXPECT_LE(page->turns_size(), 2);
    for (const Turn& turn : page->turns()) seen.push_back(turn.sequence());
    request.set_page_token(page->next_page_token());
  } while (!request.page_token().empty());

  EXPECT_THAT(seen, ElementsAre(5, 4, 3, 2, 1));
}

TEST_F(GatewayTest, SessionShowsItsLiveTurns) {
  peers().sessions["sessions/s1"].set_name("sessions/s1");
  peers().sessions["sessions/s1"].set_turn_count(4);
  peers().live = {TurnOf(6, Turn::QUEUED), TurnOf(5, Turn::QUEUED), TurnOf(4, Turn::RUNNING)};

  const auto session = Call(*sessions_, &v1::Sessions::Stub::GetSession,
                            Named<v1::GetSessionRequest>("sessions/s1"));
  const auto page = Call(*sessions_, &v1::Sessions::Stub::ListSessions, v1::ListSessionsRequest());

  ASSERT_TRUE(session.ok()) << session.status();
  EXPECT_EQ(session->active_turn(), "sessions/s1/turns/t4");
  EXPECT_EQ(session->queued_turns(), 2);
  EXPECT_EQ(session->turn_count(), 6);
  ASSERT_TRUE(page.ok()) << page.status();
  EXPECT_EQ(page->sessions(0).SerializeAsString(), session->SerializeAsString());
}

TEST_F(GatewayTest, ChangedSessionIsForgottenByTheDispatcher) {
  peers().sessions["sessions/s1"].set_name("sessions/s1");
  v1::UpdateSessionRequest request;
  request.mutable_session()->set_name("sessions/s1");

  EXPECT_TRUE(Call(*sessions_, &v1::Sessions::Stub::UpdateSession, request).ok());

  EXPECT_THAT(peers().calls, ElementsAre("UpdateSession sessions/s1", "ForgetSession sessions/s1",
                                         "ListLiveTurns sessions/s1"));
}

TEST_F(GatewayTest, DeletedSessionHasItsTurnsCancelledBeforeAndAfter) {
  peers().sessions["sessions/s1"].set_name("sessions/s1");
  peers().sessions["sessions/s1"].set_etag("7");
  auto request = Named<v1::DeleteSessionRequest>("sessions/s1");
  request.set_etag("6");

  const auto stale = Call(*sessions_, &v1::Sessions::Stub::DeleteSession, request);
  EXPECT_EQ(MetadataOf(stale.status(), "version"), "7");
  EXPECT_THAT(peers().calls, ElementsAre("GetSession sessions/s1"));

  request.set_etag("7");
  EXPECT_TRUE(Call(*sessions_, &v1::Sessions::Stub::DeleteSession, request).ok());
  EXPECT_THAT(peers().calls, ElementsAre("GetSession sessions/s1", "GetSession sessions/s1",
                                         "CancelSession sessions/s1", "DeleteSession sessions/s1",
                                         "CancelSession sessions/s1"));
}

TEST_F(GatewayTest, MemoriesAreMemoryRecalls) {
  v1::CreateMemoryRequest create;
  create.mutable_memory()->set_text("Likes tea");
  v1::SearchMemoriesRequest search;
  search.set_query("tea");

  EXPECT_TRUE(Call(*memories_, &v1::Memories::Stub::CreateMemory, create).ok());
  const auto found = Call(*memories_, &v1::Memories::Stub::SearchMemories, search);
  const auto absent =
      Call(*memories_, &v1::Memories::Stub::GetMemory, Named<v1::GetMemoryRequest>("memories/m2"));

  ASSERT_TRUE(found.ok()) << found.status();
  EXPECT_EQ(found->hits(0).memory().text(), "Likes tea");
  EXPECT_EQ(found->hits(0).score(), 0.5);
  EXPECT_EQ(ReasonOf(absent.status()), "MEMORY_NOT_FOUND");
}

TEST_F(GatewayTest, CallCarriesUserAndTraceOfItsCaller) {
  ClientContext context;
  GatewayHarness::Authorize(context, "bob");
  context.AddMetadata("traceparent", "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01");
  chat::v1::Memory memory;

  (void)memories_->GetMemory(&context, Named<v1::GetMemoryRequest>("memories/m1"), &memory);

  EXPECT_EQ(peers().user, "bob");
  EXPECT_THAT(peers().traceparent, HasSubstr("4bf92f3577b34da6a3ce929d0e0e4736"));
}

TEST_F(GatewayTest, WhatServicesTellEachOtherStaysBetweenThem) {
  peers().errors = {Refusal(StatusCode::kUnauthenticated, "GRANT_EXPIRED", "grant: expired")};

  const auto turn = Call(*turns_, &v1::Turns::Stub::GetTurn, Named<v1::GetTurnRequest>(kFakeTurn));

  EXPECT_EQ(turn.status().code(), StatusCode::kInternal);
  EXPECT_THAT(turn.status().message(), Not(HasSubstr("grant")));
  EXPECT_EQ(ReasonOf(turn.status()), "");
}

// Every RPC of the public API, by its descriptor.
std::vector<std::string> AllRpcs() {
  std::vector<std::string> paths;
  for (const auto* file :
       {v1::StreamTurnRequest::descriptor()->file(), v1::GetSessionRequest::descriptor()->file(),
        v1::GetMemoryRequest::descriptor()->file()}) {
    const auto* service = file->service(0);
    for (int i = 0; i < service->method_count(); ++i) {
      paths.push_back(absl::StrCat("/", service->full_name(), "/", service->method(i)->name()));
    }
  }
  return paths;
}

class EveryRpcTest : public GatewayTest {
 protected:
  absl::Status Send(const std::string& path, const std::string& bytes,
                    const std::string& authorization) {
    grpc::GenericStub stub(channel_);
    ClientContext context;
    if (!authorization.empty()) context.AddMetadata("authorization", authorization);
    const grpc::Slice slice(bytes);
    const grpc::ByteBuffer request(&slice, 1);
    grpc::ByteBuffer response;
    std::promise<grpc::Status> done;
    stub.UnaryCall(&context, path, {}, &request, &response,
                   [&](const grpc::Status& status) { done.set_value(status); });
    return rpc::FromGrpc(done.get_future().get());
  }
};

TEST_F(EveryRpcTest, RefusesACallWithoutAGoodToken) {
  const std::string good = GatewayHarness::TokenOf("ann");
  const std::vector<std::pair<std::string, std::string>> tokens = {
      {"", "TOKEN_MISSING"},
      {"Bearer x", "TOKEN_MALFORMED"},
      {good.substr(0, good.size() - 20) + std::string(20, 'A'), "TOKEN_SIGNATURE"}};
  ASSERT_EQ(AllRpcs().size(), 18u);

  for (const std::string& path : AllRpcs()) {
    for (const auto& [token, reason] : tokens) {
      const absl::Status status = Send(path, "", token);

      EXPECT_EQ(status.code(), StatusCode::kUnauthenticated) << path << status;
      EXPECT_EQ(ReasonOf(status), reason) << path << status;
    }
  }
  EXPECT_THAT(peers().calls, IsEmpty());
  EXPECT_THAT(harness_->metrics(), HasSubstr("{reason=\"TOKEN_MISSING\"} 18"));
}

TEST_F(EveryRpcTest, RefusesBytesThatAreNoRequestAndRequestsThatAreTooLarge) {
  const std::string token = GatewayHarness::TokenOf("ann");
  const std::string not_utf8("\x0a\x01\xff", 3);  // a string as field 1
  for (const std::string& path : AllRpcs()) {
    const absl::Status broken = Send(path, "\x0a\x7f", token);
    EXPECT_EQ(MetadataOf(broken, "field"), "request") << path << broken;
    EXPECT_EQ(ReasonOf(broken), "FIELD_INVALID") << path << broken;

    const absl::Status large = Send(path, std::string((1 << 20) + 1, '\0'), token);
    EXPECT_EQ(ReasonOf(large), "TOO_LARGE") << path << large;
  }
  for (const std::string rpc : {"Turns/StreamTurn", "Sessions/GetSession", "Memories/GetMemory"}) {
    const absl::Status status = Send(absl::StrCat("/penstock.gateway.v1.", rpc), not_utf8, token);
    EXPECT_EQ(MetadataOf(status, "field"), "request") << rpc << status;
  }
}

TEST(GatewayProcess, RefusesAListenerThatIsOpenToOtherMachines) {
  config::v1::Config config;
  host::Runtime runtime("gateway", config);
  GatewayProcess process(runtime.environment(), "0.0.0.0:0", {});

  EXPECT_EQ(process.Start().code(), StatusCode::kFailedPrecondition);
}

}  // namespace
}  // namespace penstock::gateway
