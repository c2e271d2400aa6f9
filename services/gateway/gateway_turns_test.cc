// Turns through the public API, over a socket, with stand-ins for the other services.
#include <thread>

#include <gmock/gmock.h>
#include <grpcpp/client_context.h>
#include <gtest/gtest.h>

#include "libs/base/proto_time.h"
#include "libs/base/refusal.h"
#include "libs/rpc/channel.h"
#include "libs/rpc/status.h"
#include "penstock/gateway/v1/turns.grpc.pb.h"
#include "services/gateway/gateway_harness.h"

#include "absl/strings/match.h"
#include "absl/time/clock.h"

namespace penstock::gateway {
namespace {

using absl::StatusCode;
using chat::v1::Turn;
using chat::v1::TurnEvent;
using grpc::ClientContext;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::Not;

class GatewayTurnsTest : public testing::Test {
 protected:
  void Start(const std::string& yaml = "") {
    harness_ = std::make_unique<GatewayHarness>(yaml);
    channel_ = rpc::OpenChannel(harness_->endpoint());
    turns_ = v1::Turns::NewStub(channel_);
  }
  void SetUp() override { Start(); }

  FakePeers& peers() { return harness_->peers(); }

  struct Streamed {
    std::vector<int64_t> indices;
    absl::Status status;
  };
  static Streamed Read(grpc::ClientReader<TurnEvent>& reader) {
    Streamed streamed;
    TurnEvent event;
    while (reader.Read(&event)) streamed.indices.push_back(event.index());
    streamed.status = rpc::FromGrpc(reader.Finish());
    return streamed;
  }
  Streamed StreamTurn(const v1::StreamTurnRequest& request) {
    ClientContext context;
    GatewayHarness::Authorize(context);
    return Read(*turns_->StreamTurn(&context, request));
  }
  absl::StatusOr<Turn> RunTurn(const v1::RunTurnRequest& request) {
    ClientContext context;
    GatewayHarness::Authorize(context);
    Turn turn;
    const grpc::Status status = turns_->RunTurn(&context, request, &turn);
    if (!status.ok()) return rpc::FromGrpc(status);
    return turn;
  }
  absl::StatusOr<Turn> SubmitTurn(const v1::SubmitTurnRequest& request,
                                  const std::string& scope = "") {
    ClientContext context;
    GatewayHarness::Authorize(context, "ann", scope);
    Turn turn;
    const grpc::Status status = turns_->SubmitTurn(&context, request, &turn);
    if (!status.ok()) return rpc::FromGrpc(status);
    return turn;
  }

  std::unique_ptr<GatewayHarness> harness_;
  std::shared_ptr<grpc::Channel> channel_;
  std::unique_ptr<v1::Turns::Stub> turns_;
};

template <class Request>
Request TurnRequest(const std::string& request_id = "r1") {
  Request request;
  request.set_session("sessions/s1");
  request.set_request_id(request_id);
  request.mutable_turn()->add_input()->mutable_text()->set_text("Hello");
  return request;
}

using Stream = v1::StreamTurnRequest;

TEST_F(GatewayTurnsTest, StreamsEveryEventInOrderForTheUserOfTheToken) {
  peers().streams = {{{AcceptedEvent(), EventOf(2), DeltaEvent(3), FinishedEvent(4)}, {}}};

  const Streamed streamed = StreamTurn(TurnRequest<Stream>());

  EXPECT_THAT(streamed.indices, ElementsAre(1, 2, 3, 4));
  EXPECT_TRUE(streamed.status.ok()) << streamed.status;
  ASSERT_EQ(peers().streamed.size(), 1u);
  EXPECT_EQ(peers().streamed[0].submit().session(), "sessions/s1");
  EXPECT_EQ(peers().streamed[0].submit().request_id(), "r1");
  EXPECT_FALSE(peers().streamed[0].outcome_only());
  EXPECT_THAT(harness_->metrics(), HasSubstr("penstock_gateway_open_streams 0"));
}

TEST_F(GatewayTurnsTest, BrokenStreamIsTakenUpAgainBehindTheLastEvent) {
  const absl::Status moved = Refusal(StatusCode::kUnavailable, "OWNER_MOVED", "elsewhere");
  peers().streams = {{{AcceptedEvent(), EventOf(2), DeltaEvent(3)}, Lost()},
                     {{}, Lost()},
                     {{DeltaEvent(3), DeltaEvent(4)}, moved},
                     {{}, {}},
                     {{FinishedEvent(5)}, {}}};

  const Streamed streamed = StreamTurn(TurnRequest<Stream>());

  EXPECT_THAT(streamed.indices, ElementsAre(1, 2, 3, 4, 5));
  EXPECT_TRUE(streamed.status.ok()) << streamed.status;
  EXPECT_EQ(peers().streamed.size(), 1u);
  ASSERT_EQ(peers().watched.size(), 4u);
  EXPECT_EQ(peers().watched[0].name(), kFakeTurn);
  EXPECT_EQ(peers().watched[0].after_index(), 3);
  EXPECT_EQ(peers().watched[3].after_index(), 4);
  EXPECT_THAT(harness_->metrics(), HasSubstr("penstock_gateway_reattachments_total 4"));
}

TEST_F(GatewayTurnsTest, RefusalAfterAcceptanceEndsTheStream) {
  const absl::Status gone = Refusal(StatusCode::kNotFound, "TURN_NOT_FOUND", "gone");
  peers().streams = {{{AcceptedEvent()}, Lost()}, {{}, gone}};

  const Streamed streamed = StreamTurn(TurnRequest<Stream>());

  EXPECT_THAT(streamed.indices, ElementsAre(1));
  EXPECT_EQ(ReasonOf(streamed.status), "TURN_NOT_FOUND");
}

TEST_F(GatewayTurnsTest, RunTurnWaitsForTheOutcomeAlsoOverABrokenStream) {
  peers().streams = {{{AcceptedEvent()}, Lost()}, {{FinishedEvent(9)}, {}}};

  const auto turn = RunTurn(TurnRequest<v1::RunTurnRequest>());

  ASSERT_TRUE(turn.ok()) << turn.status();
  EXPECT_EQ(turn->state(), Turn::SUCCEEDED);
  EXPECT_TRUE(peers().streamed[0].outcome_only());
  EXPECT_TRUE(peers().watched[0].outcome_only());
}

TEST_F(GatewayTurnsTest, DispatcherThatIsLostBeforeAcceptanceIsTheCallersToRepeat) {
  const Streamed streamed = StreamTurn(TurnRequest<Stream>());

  EXPECT_EQ(streamed.status.code(), StatusCode::kUnavailable);
  EXPECT_EQ(ReasonOf(streamed.status), "STORE_UNAVAILABLE");
  EXPECT_TRUE(RetryAfterOf(streamed.status).has_value());
  EXPECT_THAT(streamed.status.message(), HasSubstr("send the same request_id again"));
  EXPECT_EQ(peers().streamed.size(), 1u);
}

TEST_F(GatewayTurnsTest, RequestIdThatTheGatewayMadeIsRepeatedByTheGateway) {
  const absl::Status stopping = Refusal(StatusCode::kUnavailable, "DRAINING", "stopping");
  peers().streams = {{{}, stopping}, {{}, Lost()}, {{AcceptedEvent(), FinishedEvent(2)}, {}}};
  Stream request = TurnRequest<Stream>("");
  request.clear_session();

  const Streamed streamed = StreamTurn(request);

  EXPECT_TRUE(streamed.status.ok()) << streamed.status;
  ASSERT_EQ(peers().streamed.size(), 3u);
  const auto& first = peers().streamed[0].submit();
  EXPECT_THAT(first.request_id(), Not(IsEmpty()));
  EXPECT_TRUE(first.turn().create_session());
  EXPECT_EQ(peers().streamed[2].submit().SerializeAsString(), first.SerializeAsString());
}

TEST_F(GatewayTurnsTest, RefusalOfTheDispatcherReachesTheCallerAsItIs) {
  const absl::Status full = Refusal(StatusCode::kResourceExhausted, "QUEUE_FULL", "full")
                                .With("class", "CLASS_FREE")
                                .RetryAfter(absl::Seconds(7));
  peers().streams = {{{}, full}};

  EXPECT_EQ(StreamTurn(TurnRequest<Stream>()).status, full);
  EXPECT_THAT(harness_->metrics(),
              HasSubstr("penstock_gateway_refusals_total{reason=\"QUEUE_FULL\"} 1"));
}

TEST_F(GatewayTurnsTest, ARefusalThatHoldsIsRepeatedWithoutAskingAndCounted) {
  const auto full = [](int holds_ms) -> absl::Status {
    return Refusal(StatusCode::kResourceExhausted, "QUEUE_FULL", "full")
        .With("holds_ms", std::to_string(holds_ms));
  };
  peers().streams = {{{}, full(1000)}, {{}, full(1000)}, {{}, full(0)}, {{}, full(0)}};
  const auto anonymous = TurnRequest<Stream>("");
  auto other = anonymous;
  other.mutable_turn()->set_agent("agents/other");
  auto elsewhere = anonymous;
  elsewhere.mutable_turn()->mutable_overrides()->set_model("sim/other");

  for (int i = 0; i < 3; ++i) EXPECT_EQ(StreamTurn(anonymous).status, full(1000));
  EXPECT_EQ(peers().streamed.size(), 1u);
  EXPECT_EQ(ReasonOf(RunTurn(TurnRequest<v1::RunTurnRequest>("")).status()), "QUEUE_FULL");
  EXPECT_EQ(peers().streamed.size(), 1u);
  // One that may repeat what was accepted is always asked for, and so is one of another agent or
  // model.
  StreamTurn(TurnRequest<Stream>("r1"));
  StreamTurn(other);
  StreamTurn(elsewhere);
  ASSERT_EQ(peers().streamed.size(), 4u);
  EXPECT_EQ(peers().streamed[1].submit().refused_alike(), 3);
  EXPECT_EQ(peers().streamed[2].submit().refused_alike(), 0);
}

TEST_F(GatewayTurnsTest, CallerWhoGoesIsNoLongerAWatcher) {
  peers().streams = {{{AcceptedEvent()}, {}, /*stays_open=*/true}};
  ClientContext context;
  GatewayHarness::Authorize(context);
  auto reader = turns_->StreamTurn(&context, TurnRequest<Stream>());
  TurnEvent event;
  ASSERT_TRUE(reader->Read(&event));

  context.TryCancel();

  peers().WaitForGone(1);
  EXPECT_EQ(reader->Finish().error_code(), grpc::StatusCode::CANCELLED);
  EXPECT_THAT(peers().watched, IsEmpty());
}

TEST_F(GatewayTurnsTest, ReaderWhoTakesNothingIsCutAndTheTurnUnwatched) {
  Start("stream: {stall_timeout: 50ms}");
  FakeStream endless{{AcceptedEvent()}, {}, /*stays_open=*/true};
  for (int i = 2; i < 200; ++i) {
    endless.events.push_back(DeltaEvent(i));
    endless.events.back().mutable_delta()->set_text(std::string(60'000, 'x'));
  }
  peers().streams = {endless};
  ClientContext context;
  GatewayHarness::Authorize(context);
  auto reader = turns_->StreamTurn(&context, TurnRequest<Stream>());

  peers().WaitForGone(1);
  const Streamed streamed = Read(*reader);

  EXPECT_EQ(ReasonOf(streamed.status), "SLOW_READER") << streamed.status;
  EXPECT_LT(streamed.indices.size(), 199u);
}

TEST_F(GatewayTurnsTest, WhatIsMoreThanABurstIsRefusedBeforeItsTokenAndAcceptedTurnsDoNotCount) {
  Start("turn: {max_unanswered: 1, max_unanswered_burst: 2}");
  const FakeStream unanswered{{}, {}, /*stays_open=*/true};
  peers().streams = {{{AcceptedEvent()}, {}, /*stays_open=*/true}, unanswered, unanswered};
  ClientContext contexts[3];
  std::vector<std::unique_ptr<grpc::ClientReader<TurnEvent>>> readers;
  for (ClientContext& context : contexts) {
    GatewayHarness::Authorize(context);
    readers.push_back(turns_->StreamTurn(&context, TurnRequest<Stream>()));
    TurnEvent event;
    if (readers.size() == 1) ASSERT_TRUE(readers.front()->Read(&event));
  }
  const auto unanswered_are = [this](const std::string& count) {
    const std::string line = "penstock_gateway_unanswered_submissions " + count + "\n";
    const absl::Time until = absl::Now() + absl::Seconds(20);
    while (!absl::StrContains(harness_->metrics(), line) && absl::Now() < until) {
      absl::SleepFor(absl::Milliseconds(1));
    }
    return absl::StrContains(harness_->metrics(), line);
  };
  ASSERT_TRUE(unanswered_are("2"));

  ClientContext no_token;
  const Streamed refused = Read(*turns_->StreamTurn(&no_token, TurnRequest<Stream>()));
  EXPECT_EQ(ReasonOf(refused.status), "OVERLOADED") << refused.status;
  EXPECT_EQ(ReasonOf(SubmitTurn(TurnRequest<v1::SubmitTurnRequest>()).status()), "OVERLOADED");

  contexts[1].TryCancel();
  ASSERT_TRUE(unanswered_are("1"));
  EXPECT_TRUE(SubmitTurn(TurnRequest<v1::SubmitTurnRequest>()).ok());
  for (ClientContext& context : contexts) context.TryCancel();
  for (const auto& reader : readers) reader->Finish();
}

TEST_F(GatewayTurnsTest, DeadlineOfTheCallIsTheTurnsUpToItsLongestLife) {
  Start("turn: {max_duration: 30s}");
  peers().streams = {{{AcceptedEvent(), FinishedEvent(2)}, {}},
                     {{AcceptedEvent(), FinishedEvent(2)}, {}}};
  const absl::Time before = absl::Now();

  StreamTurn(TurnRequest<Stream>());
  ClientContext shorter;
  shorter.AddMetadata("authorization", GatewayHarness::TokenOf("ann"));
  shorter.set_deadline(std::chrono::system_clock::now() + std::chrono::seconds(20));
  Read(*turns_->StreamTurn(&shorter, TurnRequest<Stream>()));

  const absl::Duration capped = FromProto(peers().streamed[0].submit().deadline()) - before;
  const absl::Duration given = FromProto(peers().streamed[1].submit().deadline()) - before;
  EXPECT_GE(capped, absl::Seconds(30));
  EXPECT_LE(given, absl::Seconds(25));
}

TEST_F(GatewayTurnsTest, SubmittedTurnIsAJobWithItsOwnTime) {
  auto request = TurnRequest<v1::SubmitTurnRequest>();
  request.mutable_timeout()->set_seconds(3600);

  const auto turn = SubmitTurn(request);

  ASSERT_TRUE(turn.ok()) << turn.status();
  EXPECT_EQ(turn->name(), kFakeTurn);
  EXPECT_TRUE(peers().submitted[0].job());
  EXPECT_GT(FromProto(peers().submitted[0].deadline()), absl::Now() + absl::Minutes(59));
}

TEST_F(GatewayTurnsTest, JobWhoseFateIsUnknownIsSubmittedAgainOnlyWithAnIdMadeHere) {
  peers().errors = {Lost()};
  EXPECT_TRUE(SubmitTurn(TurnRequest<v1::SubmitTurnRequest>("")).ok());
  EXPECT_EQ(peers().calls.size(), 2u);

  peers().errors = {Lost()};
  EXPECT_EQ(ReasonOf(SubmitTurn(TurnRequest<v1::SubmitTurnRequest>("r1")).status()),
            "STORE_UNAVAILABLE");
}

TEST_F(GatewayTurnsTest, ActionNeedsItsScope) {
  auto request = TurnRequest<v1::SubmitTurnRequest>();
  request.mutable_turn()->set_urgency(chat::v1::ACTION);

  const auto refused = SubmitTurn(request);
  const auto allowed = SubmitTurn(request, "turns.action");

  EXPECT_EQ(ReasonOf(refused.status()), "SCOPE_MISSING");
  EXPECT_TRUE(allowed.ok()) << allowed.status();
}

TEST_F(GatewayTurnsTest, DrainingGatewayTakesNoNewCallsAndTellsThoseItEnds) {
  peers().streams = {{{AcceptedEvent()}, {}, /*stays_open=*/true}};
  ClientContext context;
  GatewayHarness::Authorize(context);
  auto reader = turns_->StreamTurn(&context, TurnRequest<Stream>());
  TurnEvent event;
  ASSERT_TRUE(reader->Read(&event));

  harness_->process().Drain(absl::ZeroDuration());
  const Streamed refused = StreamTurn(TurnRequest<Stream>());
  std::thread stop([&] { harness_.reset(); });
  const Streamed cut = Read(*reader);
  stop.join();

  EXPECT_EQ(ReasonOf(refused.status), "DRAINING");
  EXPECT_TRUE(RetryAfterOf(refused.status).has_value());
  EXPECT_EQ(ReasonOf(cut.status), "DRAINING") << cut.status;
}

TEST_F(GatewayTurnsTest, ListsLiveTurnsWholeThatItGotInShort) {
  for (const int n : {3, 2, 1}) {
    peers().live.push_back(TurnOf(n, Turn::QUEUED));
    peers().live.back().add_input()->mutable_image()->set_data(std::string(1'000'000, 'x'));
  }
  peers().lists_in_short = true;
  v1::ListTurnsRequest request;
  request.set_parent("sessions/s1");
  request.set_page_size(10);
  std::vector<int64_t> listed;
  std::vector<size_t> pages;

  do {
    ClientContext context;
    GatewayHarness::Authorize(context);
    v1::ListTurnsResponse page;
    ASSERT_TRUE(turns_->ListTurns(&context, request, &page).ok());
    for (const Turn& turn : page.turns()) {
      listed.push_back(turn.sequence());
      EXPECT_EQ(turn.input(0).image().data().size(), 1'000'000);
    }
    pages.push_back(static_cast<size_t>(page.turns_size()));
    request.set_page_token(page.next_page_token());
  } while (!request.page_token().empty());

  EXPECT_THAT(listed, ElementsAre(3, 2, 1));
  EXPECT_THAT(pages, ElementsAre(2, 1));
}

}  // namespace
}  // namespace penstock::gateway
