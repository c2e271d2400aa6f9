#include "libs/rpc/accept_loop.h"

#include <filesystem>
#include <vector>

#include <arpa/inet.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "libs/base/mutex.h"
#include "libs/rpc/server_for_test.h"
#include "tests/harness/eventually.h"

#include "absl/strings/numbers.h"

namespace penstock::rpc {
namespace {

using harness::Eventually;
using testing::HasSubstr;

constexpr absl::Duration kPatience = absl::Seconds(20);

// Connects to a port of 127.0.0.1; closed at destruction.
class Client {
 public:
  explicit Client(const std::string& endpoint) : socket_(socket(AF_INET, SOCK_STREAM, 0)) {
    int port = 0;
    EXPECT_TRUE(absl::SimpleAtoi(endpoint.substr(endpoint.rfind(':') + 1), &port));
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_port = htons(static_cast<uint16_t>(port));
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    connected_ = connect(socket_, reinterpret_cast<sockaddr*>(&address), sizeof(address)) == 0;
  }
  Client(Client&& other) noexcept
      : socket_(std::exchange(other.socket_, -1)), connected_(other.connected_) {}
  ~Client() {
    if (socket_ >= 0) close(socket_);
  }

  bool connected() const { return connected_; }
  // Waits: true when the server has closed, false when it sends something.
  bool ClosedByServer() const {
    char byte = 0;
    return recv(socket_, &byte, 1, 0) <= 0;
  }

 private:
  int socket_;
  bool connected_ = false;
};

// Keeps what it is handed, until told otherwise.
class AcceptLoopTest : public testing::Test {
 protected:
  ~AcceptLoopTest() override {
    loop_.reset();
    CloseAll();
  }

  void Start(int max_connections) {
    auto sockets = ListeningSockets::Open("127.0.0.1:0");
    ASSERT_TRUE(sockets.ok()) << sockets.status();
    endpoint_ = sockets->endpoint();
    loop_ = std::make_unique<AcceptLoop>(
        *std::move(sockets), max_connections,
        [this](int connection) {
          MutexLock lock(mutex_);
          taken_.push_back(connection);
          const char hello = 'h';
          EXPECT_EQ(send(connection, &hello, 1, 0), 1);
        },
        metrics_);
  }

  size_t taken() {
    MutexLock lock(mutex_);
    return taken_.size();
  }

  void CloseAll() {
    MutexLock lock(mutex_);
    for (const int connection : std::exchange(taken_, {})) close(connection);
  }

  double RefusedFor(const std::string& reason) const {
    return MetricForTest(
        metrics_, "penstock_rpc_server_connections_refused_total{reason=\"" + reason + "\"}");
  }

  obs::Metrics metrics_;
  std::string endpoint_;
  std::unique_ptr<AcceptLoop> loop_;
  Mutex mutex_;
  std::vector<int> taken_ ABSL_GUARDED_BY(mutex_);
};

TEST_F(AcceptLoopTest, HandsConnectionsOverAndCountsThem) {
  Start(10);
  const Client first(endpoint_);
  const Client second(endpoint_);

  EXPECT_FALSE(first.ClosedByServer());
  EXPECT_FALSE(second.ClosedByServer());
  EXPECT_EQ(taken(), 2);
  EXPECT_EQ(MetricForTest(metrics_, "penstock_rpc_server_connections"), 2);
}

TEST_F(AcceptLoopTest, ResetsThoseAboveTheLimitAndServesTheOthers) {
  Start(2);
  const Client first(endpoint_);
  const Client second(endpoint_);
  const Client third(endpoint_);

  EXPECT_TRUE(third.ClosedByServer());
  EXPECT_FALSE(first.ClosedByServer());
  EXPECT_EQ(RefusedFor("limit"), 1);
}

TEST_F(AcceptLoopTest, HasRoomAgainOnceAConnectionHasEnded) {
  Start(1);
  {
    const Client first(endpoint_), held(endpoint_);
    EXPECT_TRUE(held.ClosedByServer());
  }
  CloseAll();

  EXPECT_TRUE(Eventually(kPatience, [&] { return !Client(endpoint_).ClosedByServer(); }));
}

TEST_F(AcceptLoopTest, TellsWithinASecondOrTwoThatAConnectionHasEnded) {
  Start(10);
  const Client first(endpoint_);
  ASSERT_FALSE(first.ClosedByServer());

  CloseAll();

  EXPECT_TRUE(Eventually(
      kPatience, [&] { return MetricForTest(metrics_, "penstock_rpc_server_connections") == 0; }));
}

TEST_F(AcceptLoopTest, HandsNothingOverOnceItHasStopped) {
  Start(10);

  loop_->StopAccepting();

  EXPECT_FALSE(Client(endpoint_).connected());
  EXPECT_EQ(taken(), 0);
}

TEST(OpenConnections, ForgetsADescriptorThatIsClosedOrAnothersNow) {
  OpenConnections open;
  int first[2];
  int second[2];
  ASSERT_EQ(socketpair(AF_UNIX, SOCK_STREAM, 0, first), 0);
  ASSERT_EQ(socketpair(AF_UNIX, SOCK_STREAM, 0, second), 0);
  for (const int descriptor : {first[0], first[1], second[0]}) open.Add(descriptor);

  close(first[0]);
  ASSERT_EQ(dup2(second[1], first[1]), first[1]);
  open.Sweep();

  EXPECT_EQ(open.count(), 1);
  for (const int descriptor : {first[1], second[0], second[1]}) close(descriptor);
}

class UnixSocketTest : public testing::Test {
 protected:
  UnixSocketTest() {
    std::string pattern = testing::TempDir() + "/sockets-XXXXXX";
    folder_ = mkdtemp(pattern.data());
  }
  ~UnixSocketTest() override { std::filesystem::remove_all(folder_); }

  std::string path() const { return folder_ + "/s"; }

 private:
  std::string folder_;
};

TEST_F(UnixSocketTest, TakesTheOneOfADeadProcessAndRemovesItsOwn) {
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  path().copy(address.sun_path, sizeof(address.sun_path) - 1);
  const int dead = socket(AF_UNIX, SOCK_STREAM, 0);
  ASSERT_EQ(bind(dead, reinterpret_cast<sockaddr*>(&address), sizeof(address)), 0);
  close(dead);

  {
    const auto sockets = ListeningSockets::Open("unix:" + path());
    ASSERT_TRUE(sockets.ok()) << sockets.status();
  }

  EXPECT_FALSE(std::filesystem::exists(path()));
}

TEST_F(UnixSocketTest, LeavesTheOneOfALivingProcess) {
  const auto living = ListeningSockets::Open("unix:" + path());
  ASSERT_TRUE(living.ok()) << living.status();

  const auto second = ListeningSockets::Open("unix:" + path());

  EXPECT_EQ(second.status().code(), absl::StatusCode::kUnavailable);
  EXPECT_THAT(std::string(second.status().message()), HasSubstr("another process listens there"));
  EXPECT_TRUE(std::filesystem::exists(path()));
}

TEST(ListeningSockets, SaysWhichPortIsTaken) {
  const auto first = ListeningSockets::Open("127.0.0.1:0");
  ASSERT_TRUE(first.ok()) << first.status();

  const auto second = ListeningSockets::Open(first->endpoint());

  EXPECT_EQ(second.status().code(), absl::StatusCode::kUnavailable);
  EXPECT_THAT(std::string(second.status().message()), HasSubstr(first->endpoint()));
}

}  // namespace
}  // namespace penstock::rpc
