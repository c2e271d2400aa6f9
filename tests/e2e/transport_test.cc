// Peers that abuse the transport, with a certificate and without, while another one is served.
// PENSTOCK_SCALE=full: the counts of an acceptance list, and how long that one waits.

#include <algorithm>
#include <atomic>
#include <functional>
#include <map>
#include <memory>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include <boost/json/object.hpp>
#include <gmock/gmock.h>
#include <grpcpp/create_channel.h>
#include <gtest/gtest.h>
#include <openssl/ssl.h>
#include <sys/resource.h>

#include "libs/base/mutex.h"
#include "libs/rpc/raw_connection_for_test.h"
#include "tests/harness/certificates.h"
#include "tests/harness/heavy_test.h"
#include "tests/harness/mesh.h"
#include "tests/harness/process_memory.h"

#include "absl/strings/str_cat.h"
#include "absl/time/clock.h"

namespace penstock::harness {
namespace {

using http2::Encode;
using http2::EncodeHeader;
using http2::Frame;
using http2::FrameType;
using rpc::EncodeCallHeaders;
using rpc::RawConnection;
using rpc::RawTls;

constexpr absl::Duration kPatience = absl::Seconds(60);
constexpr int64_t kMiB = 1 << 20;
constexpr char kGetTurn[] = "/penstock.gateway.v1.Turns/GetTurn";

bool Failed() { return testing::Test::HasFailure(); }

int Count(int full, int small) { return IsFullSize() ? full : small; }

// Calls that go through the gateway to session-state, one after the other, 200 a second at most.
class Bystander {
 public:
  explicit Bystander(std::unique_ptr<Caller> caller) : caller_(std::move(caller)) {
    thread_ = std::thread([this] { Run(); });
  }
  ~Bystander() {
    stop_ = true;
    thread_.join();
  }

  // Of the calls since the last time, the one in a hundred that took longest; of few calls, the one
  // that did.
  absl::Duration TakeP99() {
    MutexLock lock(mutex_);
    std::vector<absl::Duration> taken = std::exchange(taken_, {});
    if (taken.empty()) return absl::InfiniteDuration();
    std::sort(taken.begin(), taken.end());
    return taken[taken.size() * 99 / 100];
  }
  int failed() const { return failed_; }

 private:
  void Run() {
    gateway::v1::ListSessionsRequest request;
    while (!stop_) {
      const absl::Time start = absl::Now();
      const auto answer =
          caller_->Call(caller_->sessions(), &gateway::v1::Sessions::Stub::ListSessions, request);
      if (!answer.ok() && ++failed_ == 1) ADD_FAILURE() << answer.status();
      {
        MutexLock lock(mutex_);
        taken_.push_back(absl::Now() - start);
      }
      absl::SleepFor(absl::Milliseconds(5));
    }
  }

  const std::unique_ptr<Caller> caller_;
  std::atomic<bool> stop_ = false;
  std::atomic<int> failed_ = 0;
  Mutex mutex_;
  std::vector<absl::Duration> taken_ ABSL_GUARDED_BY(mutex_);
  std::thread thread_;
};

class TransportTest : public testing::Test {
 protected:
  void SetUp() override {
    rlimit limit{};
    getrlimit(RLIMIT_NOFILE, &limit);
    limit.rlim_cur = limit.rlim_max;
    setrlimit(RLIMIT_NOFILE, &limit);
    auto mesh = Mesh::Start({.shape = Shape::kStandalone,
                             .tcp = true,
                             .settings = {{"server.handshake_timeout", "2s"}},
                             .settings_of = certificates_.settings(),
                             .failed = Failed});
    ASSERT_TRUE(mesh.ok()) << mesh.status();
    mesh_ = *std::move(mesh);
    bystander_ = std::make_unique<Bystander>(NewCaller("bystander"));
    absl::SleepFor(absl::Seconds(Count(5, 1)));
    undisturbed_ = bystander_->TakeP99();
    resident_ = Resident();
  }

  // Everybody else was served all the while.
  void TearDown() override {
    if (mesh_ == nullptr) return;
    EXPECT_EQ(bystander_->failed(), 0);
    bystander_ = nullptr;
    EXPECT_TRUE(mesh_->processes().CheckRunning().ok());
    EXPECT_TRUE(mesh_->Stop().ok());
  }

  // Runs an attack; `bytes`: by how much it may make the process grow.
  void Under(const std::string& name, int64_t bytes, const std::function<void()>& attack) {
    const absl::Time start = absl::Now();
    attack();
    const absl::Duration took = absl::Now() - start;
    const absl::Duration p99 = bystander_->TakeP99();
    const int64_t grown = Resident() - resident_;
    EXPECT_LE(grown, bytes) << name;
    // Attacker and attacked share this machine's processors.
    if (IsFullSize()) EXPECT_LE(p99, 2 * undisturbed_ + absl::Milliseconds(10)) << name;
    AddFigures({{name, boost::json::object{
                           {"seconds", absl::ToDoubleSeconds(took)},
                           {"p99_ms", absl::ToDoubleMilliseconds(p99)},
                           {"p99_undisturbed_ms", absl::ToDoubleMilliseconds(undisturbed_)},
                           {"grown_mib", static_cast<double>(grown) / kMiB}}}});
  }

  std::unique_ptr<Caller> NewCaller(const std::string& user) {
    return mesh_->NewCaller({.user = user},
                            certificates_.Connect(mesh_->gateway_address(), "client", "gateway"));
  }
  absl::StatusOr<RawConnection> Connect(bool with_tls = true) {
    return RawConnection::Open(mesh_->gateway_address(), with_tls ? &tls_ : nullptr);
  }
  // With HTTP/2 spoken.
  RawConnection ConnectHttp2() {
    RawConnection connection = Connect().value();
    EXPECT_TRUE(connection.StartHttp2());
    EXPECT_TRUE(connection.Await(FrameType::kSettings, kPatience));
    connection.Send({.type = FrameType::kSettings, .flags = http2::kAck});
    return connection;
  }
  int64_t Resident() { return ResidentMemory(mesh_->processes().pid("standalone")); }

  MeshCertificates certificates_;
  const rpc::IssuedPair pair_ = certificates_.authority().Issue({.dns_names = {"client"}});
  const RawTls tls_{pair_};
  std::unique_ptr<Mesh> mesh_;
  std::unique_ptr<Bystander> bystander_;
  absl::Duration undisturbed_;
  int64_t resident_ = 0;
};

TEST_F(TransportTest, BearsIdleConnections) {
  const int count = Count(10'000, 100);
  // Buffers of TLS and HTTP/2 of each.
  Under("idle_connections", 10 * kMiB + count * int64_t{128} * 1024, [&] {
    std::vector<RawConnection> idle;
    for (int i = 0; i < count; ++i) {
      auto connection = Connect();
      ASSERT_TRUE(connection.ok()) << i << ": " << connection.status();
      ASSERT_TRUE(connection->StartHttp2());
      idle.push_back(*std::move(connection));
    }
    bystander_->TakeP99();
    absl::SleepFor(absl::Seconds(Count(10, 1)));
  });
}

TEST_F(TransportTest, EndsHandshakesThatNeverEnd) {
  std::vector<RawConnection> silent;
  Under("slow_handshakes", 200 * kMiB, [&] {
    for (int i = 0; i < Count(2'000, 100); ++i) {
      auto connection = Connect(/*with_tls=*/false);
      ASSERT_TRUE(connection.ok()) << i << ": " << connection.status();
      // The first bytes of a ClientHello of 512.
      connection->Send(std::string("\x16\x03\x01\x02\x00\x01", 6));
      silent.push_back(*std::move(connection));
    }
    absl::SleepFor(absl::Seconds(1));
  });

  for (RawConnection& connection : silent) ASSERT_TRUE(connection.AwaitClose(kPatience));
}

TEST_F(TransportTest, LetsNobodyWithoutACertificateSpeakHttp2) {
  const RawTls nameless(rpc::IssuedPair{});
  const RawTls stranger(rpc::TestAuthority("stranger").Issue({.dns_names = {"client"}}));
  const RawTls old(pair_, TLS1_1_VERSION);
  for (const RawTls* tls : {&nameless, &stranger, &old}) {
    auto connection = RawConnection::Open(mesh_->gateway_address(), tls);
    if (!connection.ok()) continue;  // refused within the handshake
    connection->StartHttp2();
    EXPECT_FALSE(connection->Await(FrameType::kSettings, kPatience));
    EXPECT_TRUE(connection->closed());
  }
  EXPECT_FALSE(RawConnection::Open(mesh_->gateway_address(), &old).ok());

  RawConnection plain = Connect(/*with_tls=*/false).value();
  plain.StartHttp2();
  EXPECT_FALSE(plain.Await(FrameType::kSettings, kPatience));
  EXPECT_TRUE(plain.closed());
}

TEST_F(TransportTest, BearsStreamsThatAreResetAtOnce) {
  const std::string headers = EncodeCallHeaders(kGetTurn);
  Under("rapid_resets", 64 * kMiB, [&] {
    auto connection = std::make_unique<RawConnection>(ConnectHttp2());
    for (int i = 0; i < Count(10'000, 1'000); ++i) {
      const auto stream = static_cast<uint32_t>(2 * i + 1);
      const std::string both = absl::StrCat(Encode({.type = FrameType::kHeaders,
                                                    .flags = http2::kEndHeaders,
                                                    .stream = stream,
                                                    .payload = headers}),
                                            Encode({.type = FrameType::kResetStream,
                                                    .stream = stream,
                                                    .payload = std::string("\0\0\0\x8", 4)}));
      if (!connection->Send(both)) connection = std::make_unique<RawConnection>(ConnectHttp2());
      if (i % 100 == 99) absl::SleepFor(absl::Milliseconds(10));
    }
  });
}

TEST_F(TransportTest, BearsConnectionsThatAreResetAtOnce) {
  Under("connect_and_reset", 64 * kMiB, [&] {
    for (int i = 0; i < Count(50'000, 1'000); ++i) {
      auto connection = Connect(/*with_tls=*/false);
      if (connection.ok()) connection->Reset();
      if (i % 100 == 99) absl::SleepFor(absl::Milliseconds(10));
    }
  });
}

TEST_F(TransportTest, RefusesLongMetadata) {
  Under("long_metadata", 64 * kMiB, [&] {
    const auto caller = NewCaller("long");
    for (int i = 0; i < Count(1'000, 50); ++i) {
      const auto context = caller->NewContext(kPatience);
      context->AddMetadata("x-long", std::string(9 << 10, 'x'));
      chat::v1::Turn turn;
      const grpc::Status status = caller->turns().GetTurn(context.get(), {}, &turn);
      // gRPC 1.51 closes the connection now and then.
      ASSERT_THAT(status.error_code(), testing::AnyOf(grpc::StatusCode::RESOURCE_EXHAUSTED,
                                                      grpc::StatusCode::UNAVAILABLE))
          << status.error_message();
    }
  });
}

TEST_F(TransportTest, InflatesNoBomb) {
  Under("compressed_bombs", 32 * kMiB, [&] {
    grpc::ChannelArguments unbounded;
    unbounded.SetMaxSendMessageSize(-1);
    const auto caller = mesh_->NewCaller(
        {.user = "bomber"},
        grpc::CreateCustomChannel(mesh_->gateway_address(),
                                  certificates_.CredentialsOf("client", "gateway"), unbounded));
    gateway::v1::GetTurnRequest request;
    request.set_name(std::string(64 << 20, 'x'));
    for (int i = 0; i < Count(20, 3); ++i) {
      const auto context = caller->NewContext(kPatience);
      context->set_compression_algorithm(GRPC_COMPRESS_GZIP);
      chat::v1::Turn turn;
      const grpc::Status status = caller->turns().GetTurn(context.get(), request, &turn);
      ASSERT_EQ(status.error_code(), grpc::StatusCode::UNIMPLEMENTED) << status.error_message();
    }
  });
}

TEST_F(TransportTest, EndsConnectionsThatFlood) {
  const std::map<std::string, std::string> floods = {
      {"ping_flood", Encode({.type = FrameType::kPing, .payload = "12345678"})},
      {"settings_flood", Encode({.type = FrameType::kSettings})},
      {"no_such_frame", Encode({.type = static_cast<FrameType>(0xEE), .payload = "x"})},
  };
  for (const auto& [name, frame] : floods) {
    Under(name, 64 * kMiB, [&] {
      RawConnection connection = ConnectHttp2();
      for (int i = 0; i < Count(10'000, 1'000) && connection.Send(frame); ++i) {
        if (i % 100 == 99) connection.Receive(absl::Milliseconds(5));
      }
    });
  }
}

TEST_F(TransportTest, BearsHeadersWithoutAnEnd) {
  Under("continuation_flood", 64 * kMiB, [&] {
    RawConnection connection = ConnectHttp2();
    connection.Send(
        {.type = FrameType::kHeaders, .stream = 1, .payload = EncodeCallHeaders(kGetTurn)});
    const std::string more = Encode({.type = FrameType::kContinuation,
                                     .stream = 1,
                                     .payload = EncodeHeader("x-more", std::string(1000, 'x'))});
    for (int i = 0; i < Count(10'000, 1'000) && connection.Send(more); ++i) {
      if (i % 100 == 99) absl::SleepFor(absl::Milliseconds(10));
    }
  });
}

}  // namespace
}  // namespace penstock::harness
