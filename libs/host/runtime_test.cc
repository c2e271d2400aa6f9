#include "libs/host/runtime.h"

#include <future>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include <boost/asio/post.hpp>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "libs/host/yaml_message.h"

namespace penstock::host {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;

using Log = std::vector<std::string>;

class FakeService : public Service {
 public:
  FakeService(std::string name, Log& log, absl::Status start = absl::OkStatus())
      : name_(std::move(name)), log_(log), start_(std::move(start)) {}

  absl::string_view name() const override { return name_; }
  absl::Status Start() override {
    log_.push_back("start " + name_);
    return start_;
  }
  std::vector<std::string> Listening() const override { return {"unix:" + name_}; }
  void Drain(absl::Duration timeout) override {
    log_.push_back("drain " + name_);
    timeouts.push_back(timeout);
  }
  void Stop() override { log_.push_back("stop " + name_); }

  std::vector<absl::Duration> timeouts;

 private:
  const std::string name_;
  Log& log_;
  const absl::Status start_;
};

using Services = std::vector<std::unique_ptr<Service>>;

class RuntimeTest : public testing::Test {
 protected:
  RuntimeTest() {
    EXPECT_TRUE(ReadYaml("process: {threads: 2}\ndrain: {timeout: 20s}", "t", config_).ok());
  }

  config::v1::Config config_;
  Log log_;
};

TEST_F(RuntimeTest, StartsInOrderAndEndsEachServiceBeforeTheOneItCalls) {
  Runtime runtime("standalone", config_);

  ASSERT_TRUE(runtime
                  .Start([&](const Environment&) {
                    Services services;
                    services.push_back(std::make_unique<FakeService>("store", log_));
                    services.push_back(std::make_unique<FakeService>("gateway", log_));
                    return services;
                  })
                  .ok());
  runtime.Stop();

  EXPECT_THAT(log_, ElementsAre("start store", "start gateway", "drain gateway", "stop gateway",
                                "drain store", "stop store"));
}

TEST_F(RuntimeTest, IsReadyBetweenStartAndStop) {
  Runtime runtime("standalone", config_);
  const Health& health = runtime.environment().health;
  EXPECT_EQ(health.NotReadyBecause().size(), 1);

  ASSERT_TRUE(runtime.Start([](const Environment&) { return Services(); }).ok());
  EXPECT_THAT(health.NotReadyBecause(), IsEmpty());
  runtime.Stop();

  EXPECT_EQ(health.state(), Health::State::kDraining);
}

TEST_F(RuntimeTest, StopsWhatHadStartedWhenAServiceCannotStart) {
  Runtime runtime("standalone", config_);

  const absl::Status status = runtime.Start([&](const Environment&) {
    Services services;
    services.push_back(std::make_unique<FakeService>("store", log_));
    services.push_back(
        std::make_unique<FakeService>("gateway", log_, absl::UnavailableError("port taken")));
    services.push_back(std::make_unique<FakeService>("never", log_));
    return services;
  });

  EXPECT_EQ(status, absl::UnavailableError("gateway: port taken"));
  EXPECT_THAT(log_, ElementsAre("start store", "start gateway", "stop store"));
}

TEST_F(RuntimeTest, NamesEveryListenerInItsReadyLine) {
  config_.mutable_process()->set_admin("unix:runtime_test_admin.sock");
  Runtime runtime("standalone", config_);

  ASSERT_TRUE(runtime
                  .Start([&](const Environment&) {
                    Services services;
                    services.push_back(std::make_unique<FakeService>("a", log_));
                    services.push_back(std::make_unique<FakeService>("b", log_));
                    return services;
                  })
                  .ok());

  EXPECT_EQ(runtime.ReadyLine(), R"({"ready":"standalone","listening":["unix:a","unix:b"],)"
                                 R"("admin":"unix:runtime_test_admin.sock"})");
}

TEST_F(RuntimeTest, GivesTheServicesOneDrainTimeoutTogether) {
  Runtime runtime("standalone", config_);
  FakeService* service = nullptr;
  ASSERT_TRUE(runtime
                  .Start([&](const Environment&) {
                    Services services;
                    services.push_back(std::make_unique<FakeService>("store", log_));
                    service = static_cast<FakeService*>(services.back().get());
                    return services;
                  })
                  .ok());

  runtime.Stop();

  EXPECT_LE(service->timeouts.at(0), absl::Seconds(20));
  EXPECT_GT(service->timeouts.at(0), absl::ZeroDuration());
}

TEST_F(RuntimeTest, LendsThreadsThatRun) {
  Runtime runtime("standalone", config_);
  std::promise<void> posted;
  std::promise<void> blocking;
  std::promise<void> fired;

  boost::asio::post(runtime.environment().io, [&] { posted.set_value(); });
  ASSERT_TRUE(runtime.environment().blocking.TryPost([&] { blocking.set_value(); }));
  const auto timer =
      runtime.environment().timers.After(absl::ZeroDuration(), [&] { fired.set_value(); });

  posted.get_future().wait();
  blocking.get_future().wait();
  fired.get_future().wait();
}

TEST_F(RuntimeTest, SaysWhenTheAdminPortCannotBeOpened) {
  config_.mutable_process()->set_admin("unix:no/such/folder/x.sock");
  Runtime runtime("standalone", config_);

  const absl::Status status = runtime.Start([](const Environment&) { return Services(); });

  EXPECT_EQ(
      status.message(),
      "process.admin: cannot listen on unix:no/such/folder/x.sock: No such file or directory");
}

}  // namespace
}  // namespace penstock::host
