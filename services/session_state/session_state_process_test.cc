// Session-state over gRPC: grants decide, refusals keep their details, nothing crosses users.
#include "services/session_state/session_state_process.h"

#include <set>

#include <gmock/gmock.h>
#include <google/protobuf/descriptor.h>
#include <gtest/gtest.h>

#include "libs/async/fake_timers.h"
#include "libs/base/refusal.h"
#include "libs/host/health.h"
#include "libs/identity/grant.h"
#include "libs/identity/testing.h"
#include "libs/rocksdb/testing.h"
#include "libs/rpc/channel.h"
#include "libs/rpc/client.h"
#include "penstock/session/v1/session_state.grpc.pb.h"

namespace penstock::session_state {
namespace {

using session::v1::BeginTurnRequest;
using session::v1::GetTurnRequest;
using Stub = session::v1::SessionState::Stub;

constexpr absl::string_view kRoot = "0123456789abcdef0123456789abcdef";

config::v1::Config ConfigIn(const std::string& folder) {
  config::v1::Config config;
  config.set_data_dir(folder);
  config.mutable_process()->set_block_cache_bytes(8 << 20);
  config.mutable_journal()->set_sync(true);
  config.mutable_journal()->mutable_request_id_ttl()->set_seconds(86400);
  config.mutable_session()->mutable_idle_ttl()->set_seconds(3600);
  config.mutable_session()->mutable_sweep_interval()->set_seconds(60);
  config.mutable_session()->set_max_history_turns(200);
  config.mutable_identity()->set_grant_root("MDEyMzQ1Njc4OWFiY2RlZjAxMjM0NTY3ODlhYmNkZWY=");
  return config;
}

class SessionStateProcessTest : public testing::Test {
 protected:
  SessionStateProcessTest() {
    const absl::Status started = process_.Start();
    if (!started.ok()) ADD_FAILURE() << started;
    channel_ = rpc::OpenChannel(process_.Listening().at(0));
    stub_ = session::v1::SessionState::NewStub(channel_);
  }
  ~SessionStateProcessTest() override {
    stub_.reset();
    channel_.reset();
    process_.Drain(absl::Seconds(1));
    process_.Stop();
  }

  rpc::CallOptions As(const std::string& user,
                      absl::string_view audience = identity::kSessionStateAudience) {
    rpc::CallOptions options;
    options.grant =
        minter_.Mint(audience, identity::PrincipalForTest("acme", user), "", clock_.Now());
    return options;
  }

  absl::StatusOr<chat::v1::Turn> GetTurn(rpc::CallOptions options) {
    GetTurnRequest request;
    request.set_name("sessions/s1/turns/t1");
    return threads_.Await(
        rpc::Call(stub_->async(), &Stub::async::GetTurn, request, std::move(options)));
  }

  rocks::TemporaryFolder folder_;
  rocks::CoroutineThreads threads_;
  FakeClock clock_;
  FakeTimers timers_{clock_};
  BoundedExecutor blocking_{2, 1024};
  obs::Metrics metrics_;
  host::Health health_;
  const config::v1::Config config_ = ConfigIn(folder_.path());
  SessionStateProcess process_{
      host::Environment{config_, threads_.io(), InlineExecutor(threads_.io()), timers_, clock_,
                        blocking_, metrics_, health_},
      "127.0.0.1:0"};
  identity::GrantMinter minter_{kRoot};
  std::shared_ptr<grpc::Channel> channel_;
  std::unique_ptr<Stub> stub_;
};

TEST_F(SessionStateProcessTest, ATurnBeginsEndsAndIsRead) {
  BeginTurnRequest begin;
  begin.set_turn("sessions/s1/turns/t1");
  begin.mutable_fence()->set_epoch(1);
  begin.mutable_accepted()->set_sequence(1);
  begin.mutable_accepted()->add_input()->mutable_text()->set_text("hello");
  session::v1::CommitTurnRequest commit;
  *commit.mutable_fence() = begin.fence();
  commit.mutable_turn()->set_name(begin.turn());
  commit.mutable_turn()->set_state(chat::v1::Turn::SUCCEEDED);

  const auto begun =
      threads_.Await(rpc::Call(stub_->async(), &Stub::async::BeginTurn, begin, As("u1")));
  const auto ended =
      threads_.Await(rpc::Call(stub_->async(), &Stub::async::CommitTurn, commit, As("u1")));

  ASSERT_TRUE(begun.ok()) << begun.status();
  ASSERT_TRUE(ended.ok()) << ended.status();
  EXPECT_EQ(GetTurn(As("u1"))->input(0).text().text(), "hello");
  const absl::Status foreign = GetTurn(As("u2")).status();
  EXPECT_EQ(ReasonOf(foreign), "TURN_NOT_FOUND");
  EXPECT_EQ(MetadataOf(foreign, "name"), "sessions/s1/turns/t1");
}

TEST_F(SessionStateProcessTest, RefusesACallWithoutAGrantForIt) {
  rpc::CallOptions flipped = As("u1");
  flipped.grant.back() = static_cast<char>(flipped.grant.back() ^ 1);
  const rpc::CallOptions expired = As("u1");

  for (const absl::Status& status : {GetTurn({}).status(), GetTurn(flipped).status(),
                                     GetTurn(As("u1", identity::kMemoryRecallAudience)).status()}) {
    EXPECT_EQ(status.code(), absl::StatusCode::kUnauthenticated) << status;
  }
  clock_.Advance(absl::Minutes(5));
  EXPECT_EQ(ReasonOf(GetTurn(expired).status()), "GRANT_EXPIRED");
}

void ExpectNoUserIn(const google::protobuf::Descriptor& message, std::set<std::string>& seen) {
  if (!seen.insert(message.full_name()).second) return;
  for (int i = 0; i < message.field_count(); ++i) {
    const auto& field = *message.field(i);
    EXPECT_NE(field.name(), "user") << field.full_name();
    EXPECT_NE(field.name(), "tenant") << field.full_name();
    if (field.message_type()) ExpectNoUserIn(*field.message_type(), seen);
  }
}

TEST(SessionStateContract, NoMessageCanNameAUser) {
  const auto* service = google::protobuf::DescriptorPool::generated_pool()->FindServiceByName(
      "penstock.session.v1.SessionState");
  ASSERT_NE(service, nullptr);
  std::set<std::string> seen;
  for (int i = 0; i < service->method_count(); ++i) {
    ExpectNoUserIn(*service->method(i)->input_type(), seen);
    ExpectNoUserIn(*service->method(i)->output_type(), seen);
  }
  EXPECT_GT(seen.size(), 20u);
}

}  // namespace
}  // namespace penstock::session_state
