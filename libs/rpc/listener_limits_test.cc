// What a listener bears of one peer, over sockets; the other peers are served.

#include <future>
#include <thread>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "libs/rpc/channel.h"
#include "libs/rpc/raw_connection_for_test.h"
#include "libs/rpc/server_for_test.h"
#include "tests/harness/eventually.h"

namespace penstock::rpc {
namespace {

using absl::StatusCode;
using dispatcher::v1::CancelTurnRequest;
using dispatcher::v1::Dispatcher;
using harness::Eventually;
using http2::Frame;
using http2::FrameType;
using testing::HasSubstr;

constexpr absl::Duration kPatience = absl::Seconds(20);

RawConnection Connect(const ServerForTest& server) {
  return *RawConnection::Open(server.endpoint());
}

// With the server's settings received: HTTP/2 is spoken.
RawConnection ConnectHttp2(const ServerForTest& server) {
  RawConnection connection = Connect(server);
  EXPECT_TRUE(connection.StartHttp2());
  EXPECT_TRUE(connection.Await(FrameType::kSettings, kPatience));
  return connection;
}

void ExpectServes(const ServerForTest& server) {
  const auto status = CallOnce(OpenChannel(server.endpoint()));
  EXPECT_TRUE(status.ok()) << status;
}

TEST(ListenerLimits, ClosesConnectionsAboveTheLimit) {
  const ServerForTest server({.max_connections = 2});
  RawConnection first = ConnectHttp2(server);
  RawConnection second = ConnectHttp2(server);

  RawConnection third = Connect(server);

  EXPECT_TRUE(third.AwaitClose(kPatience));
  EXPECT_TRUE(second.Send({.type = FrameType::kPing, .payload = "12345678"}));
  EXPECT_TRUE(second.Await(FrameType::kPing, kPatience));
  EXPECT_EQ(MetricForTest(server.metrics(),
                          "penstock_rpc_server_connections_refused_total{reason=\"limit\"}"),
            1);
}

TEST(ListenerLimits, TakesAnotherConnectionWhenAPeerHasGone) {
  const ServerForTest server({.max_connections = 1});
  {
    const RawConnection first = ConnectHttp2(server);
  }

  EXPECT_TRUE(Eventually(kPatience, [&] {
    auto next = RawConnection::Open(server.endpoint());
    return next.ok() && next->StartHttp2() && next->Await(FrameType::kSettings, absl::Seconds(5));
  }));
}

TEST(ListenerLimits, EndsAHandshakeThatTakesTooLong) {
  const ServerForTest server({.handshake_timeout = absl::Milliseconds(100)});
  RawConnection silent = Connect(server);
  RawConnection half = Connect(server);
  half.Send(http2::kHttp2Preface.substr(0, 10));

  EXPECT_TRUE(silent.AwaitClose(kPatience));
  EXPECT_TRUE(half.AwaitClose(kPatience));
  ExpectServes(server);
}

TEST(ListenerLimits, EndsAnIdleConnection) {
  const ServerForTest server({.max_connection_idle = absl::Milliseconds(100)});
  RawConnection idle = ConnectHttp2(server);

  EXPECT_TRUE(idle.Await(FrameType::kGoAway, kPatience));
  ExpectServes(server);
}

TEST(ListenerLimits, AnOldConnectionIsToldToGoAndItsCallsGoOn) {
  ServerForTest server({.max_connection_age = absl::Milliseconds(50)});
  RawConnection old = ConnectHttp2(server);
  const auto channel = OpenChannel(server.endpoint());
  auto open = std::async(std::launch::async, [&] {
    grpc::ClientContext context;
    PrepareForTest(context);
    chat::v1::Turn turn;
    return FromGrpc(Dispatcher::NewStub(channel)->CancelTurn(&context, CancelTurnRequest(), &turn));
  });
  ASSERT_TRUE(Eventually(kPatience, [&] { return server.turns().waiting() == 1; }));

  int failures = 0;
  int calls = 0;
  const absl::Time until = absl::Now() + absl::Seconds(1);
  for (; absl::Now() < until; ++calls) {
    const absl::Status status = CallOnce(channel);
    failures += status.ok() ? 0 : 1;
    EXPECT_TRUE(status.ok() || absl::IsUnavailable(status)) << status;
  }

  EXPECT_TRUE(old.Await(FrameType::kGoAway, kPatience));
  // gRPC 1.51 closes a connection with its last answer, which a client that writes just then loses.
  EXPECT_LE(failures, 5) << "of " << calls;
  EXPECT_EQ(server.turns().waiting(), 1);
  server.turns().Release();
  EXPECT_TRUE(open.get().ok());
}

TEST(ListenerLimits, TheCallsOfAnOldConnectionEndWithItsGrace) {
  ServerForTest server({.max_connection_age = absl::Milliseconds(50),
                        .max_connection_age_grace = absl::Milliseconds(50)});
  grpc::ClientContext context;
  PrepareForTest(context);
  chat::v1::Turn turn;

  const auto status = FromGrpc(Dispatcher::NewStub(OpenChannel(server.endpoint()))
                                   ->CancelTurn(&context, CancelTurnRequest(), &turn));

  EXPECT_FALSE(status.ok());
}

TEST(ListenerLimits, EndsAConnectionThatDoesNotAnswerItsPings) {
  const ServerForTest server(
      {.keepalive_time = absl::Milliseconds(100), .keepalive_timeout = absl::Milliseconds(100)});
  RawConnection mute = ConnectHttp2(server);
  const auto channel = OpenChannel(server.endpoint());
  ASSERT_TRUE(CallOnce(channel).ok());

  EXPECT_TRUE(mute.Await(FrameType::kPing, kPatience));
  EXPECT_TRUE(mute.AwaitClose(kPatience));

  EXPECT_TRUE(CallOnce(channel).ok());
}

TEST(ListenerLimits, EndsAConnectionThatPingsTooOften) {
  const ServerForTest server({.min_ping_interval = absl::Seconds(10)});
  RawConnection eager = ConnectHttp2(server);
  for (int i = 0; i < 5; ++i) eager.Send({.type = FrameType::kPing, .payload = "12345678"});

  Frame goodbye;
  ASSERT_TRUE(eager.Await(FrameType::kGoAway, kPatience, &goodbye));
  EXPECT_THAT(goodbye.payload, HasSubstr("too_many_pings"));
  EXPECT_TRUE(eager.AwaitClose(kPatience));
  ExpectServes(server);
}

TEST(ListenerLimits, RefusesMoreMetadataThanAllowedAndServesOthers) {
  const ServerForTest server({.max_metadata_bytes = 4096});
  const auto channel = OpenChannel(server.endpoint());
  grpc::ClientContext context;
  PrepareForTest(context);
  context.AddMetadata("x-long", std::string(5000, 'x'));
  chat::v1::Turn turn;

  const auto status = FromGrpc(Dispatcher::NewStub(channel)->GetTurn(&context, {}, &turn));

  EXPECT_EQ(status.code(), StatusCode::kResourceExhausted) << status;
  // Not over the same connection: gRPC 1.51 closes it now and then.
  ExpectServes(server);
}

TEST(ListenerLimits, RefusesARequestAbove4MiB) {
  const ServerForTest server;
  const auto channel = OpenChannel(server.endpoint());

  EXPECT_TRUE(CallOnce(channel, std::string((4 << 20) - 100, 'x')).ok());
  grpc::ChannelArguments unbounded;
  unbounded.SetMaxSendMessageSize(-1);
  const auto reckless =
      grpc::CreateCustomChannel(server.endpoint(), grpc::InsecureChannelCredentials(), unbounded);
  const auto status = CallOnce(reckless, std::string((4 << 20) + 1, 'x'));

  EXPECT_EQ(status.code(), StatusCode::kResourceExhausted) << status;
}

TEST(ListenerLimits, InflatesNoCompressedRequest) {
  const ServerForTest server;
  for (const auto algorithm : {GRPC_COMPRESS_GZIP, GRPC_COMPRESS_DEFLATE}) {
    grpc::ClientContext context;
    PrepareForTest(context);
    context.set_compression_algorithm(algorithm);
    dispatcher::v1::GetTurnRequest request;
    request.set_name(std::string(1 << 20, 'x'));
    chat::v1::Turn turn;

    const auto status = FromGrpc(
        Dispatcher::NewStub(OpenChannel(server.endpoint()))->GetTurn(&context, request, &turn));

    EXPECT_EQ(status.code(), StatusCode::kUnimplemented) << status;
    EXPECT_THAT(std::string(status.message()), HasSubstr("is disabled"));
  }
}

TEST(ListenerLimits, LetsCallsWaitInTheirClientBeyondTheStreamsOfAConnection) {
  ServerForTest server({.max_concurrent_streams = 2});
  const auto channel = OpenChannel(server.endpoint());
  const auto stub = Dispatcher::NewStub(channel);
  const auto call = [&stub](std::chrono::milliseconds patience) {
    grpc::ClientContext context;
    PrepareForTest(context);
    context.set_deadline(std::chrono::system_clock::now() + patience);
    chat::v1::Turn turn;
    return FromGrpc(stub->CancelTurn(&context, CancelTurnRequest(), &turn));
  };
  auto first = std::async(std::launch::async, call, std::chrono::seconds(20));
  auto second = std::async(std::launch::async, call, std::chrono::seconds(20));
  ASSERT_TRUE(Eventually(kPatience, [&] { return server.turns().waiting() == 2; }));

  EXPECT_EQ(call(std::chrono::milliseconds(300)).code(), StatusCode::kDeadlineExceeded);
  EXPECT_EQ(server.turns().waiting(), 2);
  ExpectServes(server);

  server.turns().Release();
  EXPECT_TRUE(first.get().ok());
  EXPECT_TRUE(second.get().ok());
}

}  // namespace
}  // namespace penstock::rpc
