// Calls to several real adapters' servers on loopback that come, go, fill up and die.
#include "services/dispatcher/turn/adapter_pods.h"

#include <atomic>
#include <future>
#include <thread>

#include <boost/asio/executor_work_guard.hpp>
#include <grpcpp/grpcpp.h>
#include <gtest/gtest.h>

#include "libs/async/inline_executor.h"
#include "libs/base/mutex.h"
#include "libs/base/proto_time.h"
#include "libs/base/skewed_clock.h"
#include "libs/identity/testing.h"
#include "libs/rpc/channel.h"
#include "penstock/provider/v1/provider_adapter.grpc.pb.h"

namespace penstock::dispatcher {
namespace {

using provider::v1::GenerateEventBatch;
using provider::v1::GenerateRequest;
using provider::v1::ProviderAdapter;

constexpr absl::Duration kPatience = absl::Seconds(30);

// One adapter: answers, or is full, or answers once it is let go.
class Adapter : public ProviderAdapter::Service {
 public:
  Adapter() {
    grpc::ServerBuilder builder;
    int port = 0;
    builder.AddListeningPort("127.0.0.1:0", grpc::InsecureServerCredentials(), &port);
    builder.RegisterService(this);
    server_ = builder.BuildAndStart();
    address_ = "127.0.0.1:" + std::to_string(port);
  }
  ~Adapter() override { Die(); }

  grpc::Status Generate(grpc::ServerContext*, const GenerateRequest*,
                        grpc::ServerWriter<GenerateEventBatch>* out) override {
    if (full_) return {grpc::StatusCode::RESOURCE_EXHAUSTED, "all streams are open"};
    ++calls_;
    GenerateEventBatch first;
    first.add_events()->mutable_started();
    out->Write(first);
    if (holds_) released_.get_future().wait();
    GenerateEventBatch last;
    last.add_events()->mutable_finished();
    out->Write(last);
    return grpc::Status::OK;
  }

  // Without a word to those that it serves.
  void Die() { server_->Shutdown(std::chrono::system_clock::now()); }
  void SetFull(bool full) { full_ = full; }
  // The next call stays open until Release.
  void Hold() { holds_ = true; }
  void Release() { released_.set_value(); }

  int calls() const { return calls_; }
  const std::string& address() const { return address_; }

 private:
  std::atomic<int> calls_ = 0;
  std::atomic<bool> full_ = false;
  std::atomic<bool> holds_ = false;
  std::promise<void> released_;
  std::string address_;
  std::unique_ptr<grpc::Server> server_;
};

class AdapterPodsTest : public testing::Test {
 protected:
  AdapterPodsTest() : worker_([this] { io_.run(); }) {
    *settings_.mutable_resolve_interval() = ToProto(absl::Milliseconds(10));
    *settings_.mutable_avoid_time() = ToProto(absl::Milliseconds(200));
    pods_ = std::make_unique<AdapterPods>(
        AdapterPods::Context{settings_, minter_, clock_, timers_, InlineExecutor(io_), metrics_},
        [this] { return Lookup(); },
        [](const std::string& address) { return rpc::OpenChannel(address); });
  }
  ~AdapterPodsTest() override {
    pods_.reset();
    work_.reset();
    worker_.join();
  }

  // What the name stands for from now on; waits until it is known.
  void Publish(const std::vector<const Adapter*>& adapters) {
    std::vector<std::string> addresses;
    for (const Adapter* adapter : adapters) addresses.push_back(adapter->address());
    MutexLock lock(mutex_);
    published_ = addresses;
    looks_ = 0;
    while (looks_ < 3) looked_.Wait(mutex_);
  }
  void Begin(std::promise<absl::Status>& ended) {
    Spawn(InlineExecutor(io_), ReadAll(pods_->Generate(AnyCall(), GenerateRequest()), ended));
  }
  // One call to its end: the status of its stream.
  absl::Status Call() {
    std::promise<absl::Status> ended;
    Begin(ended);
    return ended.get_future().get();
  }
  int Failures(int calls) {
    int failures = 0;
    for (int i = 0; i < calls; ++i) {
      const absl::Status status = Call();
      if (!status.ok()) ADD_FAILURE() << status;
      failures += status.ok() ? 0 : 1;
    }
    return failures;
  }
  static Awaitable<void> ReadAll(std::unique_ptr<GenerateStream> stream,
                                 std::promise<absl::Status>& ended) {
    while (true) {
      auto event = co_await stream->Next();
      if (event.ok() && event->has_value()) continue;
      const absl::Status status = event.status();
      stream.reset();
      ended.set_value(status);
      co_return;
    }
  }
  template <class Condition>
  static bool Eventually(Condition condition) {
    const absl::Time until = absl::Now() + kPatience;
    while (!condition()) {
      if (absl::Now() > until) return false;
      std::this_thread::yield();
    }
    return true;
  }
  static PeerCall AnyCall() {
    return {.principal =
                {"t1", "u1", "free", {}, absl::Now(), "", identity::UserKeyForTest("t1", "u1")},
            .turn_id = "turn",
            .traceparent = "",
            .deadline = absl::Now() + kPatience,
            .stop = {}};
  }

 private:
  Awaitable<absl::StatusOr<std::vector<std::string>>> Lookup() {
    MutexLock lock(mutex_);
    ++looks_;
    looked_.NotifyAll();
    co_return published_;
  }

  boost::asio::io_context io_;
  boost::asio::executor_work_guard<boost::asio::io_context::executor_type> work_ =
      boost::asio::make_work_guard(io_);
  config::v1::Adapter settings_;
  const identity::GrantMinter minter_{"0123456789abcdef0123456789abcdef"};
  AsioTimers timers_{io_};
  SkewedClock clock_;
  obs::Metrics metrics_;
  Mutex mutex_;
  CondVar looked_;
  absl::StatusOr<std::vector<std::string>> published_ ABSL_GUARDED_BY(mutex_) =
      std::vector<std::string>();
  int looks_ ABSL_GUARDED_BY(mutex_) = 0;
  std::thread worker_;

 protected:
  std::unique_ptr<AdapterPods> pods_;
};

TEST_F(AdapterPodsTest, WithoutAdaptersACallIsNotTaken) {
  EXPECT_EQ(Call().code(), absl::StatusCode::kUnavailable);
}

TEST_F(AdapterPodsTest, GoesRoundAllOfThem) {
  const Adapter a, b, c;
  Publish({&a, &b, &c});

  EXPECT_EQ(Failures(30), 0);

  for (const Adapter* adapter : {&a, &b, &c}) EXPECT_EQ(adapter->calls(), 10);
}

TEST_F(AdapterPodsTest, NoCallFailsWhenOneDiesAndItIsAvoided) {
  const Adapter a, b;
  Adapter dying;
  Publish({&a, &dying, &b});
  EXPECT_EQ(Failures(9), 0);

  dying.Die();

  EXPECT_EQ(Failures(300), 0);
  EXPECT_EQ(dying.calls(), 3);
  EXPECT_EQ(a.calls() + b.calls(), 306);
}

TEST_F(AdapterPodsTest, OneThatComesGetsItsPart) {
  const Adapter a, b;
  Publish({&a});
  EXPECT_EQ(Failures(10), 0);

  Publish({&a, &b});

  EXPECT_TRUE(Eventually([&] {
    EXPECT_EQ(Failures(1), 0);
    return b.calls() >= 5;
  }));
}

TEST_F(AdapterPodsTest, OneThatIsGoneEndsItsCallsAndGetsNoMore) {
  const Adapter a;
  Adapter leaving;
  leaving.Hold();
  Publish({&leaving});
  std::promise<absl::Status> open;
  auto result = open.get_future();
  Begin(open);
  ASSERT_TRUE(Eventually([&] { return leaving.calls() == 1; }));

  Publish({&a});
  EXPECT_EQ(Failures(20), 0);
  leaving.Release();

  ASSERT_EQ(result.wait_for(std::chrono::seconds(30)), std::future_status::ready);
  EXPECT_EQ(leaving.calls(), 1);
  EXPECT_EQ(a.calls(), 20);
}

TEST_F(AdapterPodsTest, AFullOneIsPassedAndAllFullSayIt) {
  Adapter a, b;
  Publish({&a, &b});
  a.SetFull(true);
  EXPECT_EQ(Failures(20), 0);
  EXPECT_EQ(a.calls(), 0);
  EXPECT_EQ(b.calls(), 20);

  b.SetFull(true);
  EXPECT_EQ(Call().code(), absl::StatusCode::kResourceExhausted);

  a.SetFull(false);
  EXPECT_EQ(Failures(1), 0);
}

TEST_F(AdapterPodsTest, AdaptersComeAndGoUnderLoadWithoutAFailedCall) {
  std::vector<std::unique_ptr<Adapter>> alive;
  for (int i = 0; i < 3; ++i) alive.push_back(std::make_unique<Adapter>());
  const auto publish = [&] {
    std::vector<const Adapter*> addresses;
    for (const auto& adapter : alive) addresses.push_back(adapter.get());
    Publish(addresses);
  };
  publish();
  std::atomic<bool> stop = false;
  std::atomic<int> failed = 0;
  std::atomic<int> calls = 0;
  std::vector<std::thread> callers;
  for (int i = 0; i < 4; ++i) {
    callers.emplace_back([&] {
      while (!stop) {
        failed += Call().ok() ? 0 : 1;
        ++calls;
      }
    });
  }

  for (int round = 0; round < 6; ++round) {
    const int before = calls;
    alive.push_back(std::make_unique<Adapter>());
    publish();
    const std::unique_ptr<Adapter> leaving = std::move(alive.front());
    alive.erase(alive.begin());
    publish();
    ASSERT_TRUE(Eventually([&] { return calls > before + 50; }));
  }
  stop = true;
  for (std::thread& caller : callers) caller.join();

  EXPECT_EQ(failed, 0);
  EXPECT_GT(calls, 300);
}

}  // namespace
}  // namespace penstock::dispatcher
