#include "services/provider_adapter/api_key_reload.h"

#include <chrono>
#include <cstdio>
#include <fstream>
#include <functional>
#include <memory>
#include <stop_token>
#include <string>
#include <vector>

#include <boost/asio/io_context.hpp>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "libs/async/fake_timers.h"

#include "absl/strings/str_cat.h"

namespace penstock::provider_adapter {
namespace {

using testing::AllOf;
using testing::Contains;
using testing::HasSubstr;
using testing::Not;

class ApiKeyReloadTest : public testing::Test {
 protected:
  void SetUp() override {
    Write("first-key\n");
    config::v1::Config config;
    auto& provider = *config.add_providers();
    provider.set_name("sim");
    provider.set_protocol("openai");
    provider.set_base_url("http://127.0.0.1:1/v1");
    provider.set_api_key_file(file_);
    auto& other = *config.add_providers();
    other = provider;
    other.set_name("free");
    other.clear_api_key_file();
    auto routes = Routes::Read(config, [](absl::string_view) { return std::nullopt; });
    ASSERT_TRUE(routes.ok()) << routes.status();
    routes_ = *std::move(routes);
    reload_ = std::make_unique<ApiKeyReload>(*routes_, metrics_);
  }
  void TearDown() override { std::remove(file_.c_str()); }

  // As editors and secret mounts do it: a new file takes the name.
  void Write(const std::string& text) {
    std::ofstream(file_ + ".new") << text;
    ASSERT_EQ(std::rename((file_ + ".new").c_str(), file_.c_str()), 0);
  }
  // In a log that a test reads.
  std::string LogOf(const std::function<void()>& action) {
    testing::internal::CaptureStderr();
    action();
    return testing::internal::GetCapturedStderr();
  }
  std::vector<std::string> Headers() const {
    return routes_->providers()[0]->credential.Get()->headers;
  }
  std::string Failures(int count) const {
    return absl::StrCat("penstock_provider_adapter_key_reload_failures_total{provider=\"sim\"} ",
                        count, "\n");
  }

  const std::string file_ = testing::TempDir() + "/reloaded_api_key";
  obs::Metrics metrics_;
  std::unique_ptr<Routes> routes_;
  std::unique_ptr<ApiKeyReload> reload_;
};

TEST_F(ApiKeyReloadTest, ANewKeyIsForCallsThatBeginAfterIt) {
  const auto running = routes_->providers()[0]->credential.Get();
  reload_->Look();
  EXPECT_THAT(Headers(), Contains("Authorization: Bearer first-key"));

  Write("second-key\n");
  const std::string log = LogOf([&] { reload_->Look(); });

  EXPECT_THAT(Headers(), Contains("Authorization: Bearer second-key"));
  EXPECT_THAT(running->headers, Contains("Authorization: Bearer first-key"));
  EXPECT_THAT(log, AllOf(HasSubstr("exchanged"), HasSubstr("\"sim\""), Not(HasSubstr("-key\""))));
  EXPECT_THAT(metrics_.Render(),
              HasSubstr("penstock_provider_adapter_key_reloads_total{provider=\"sim\"} 1\n"));
}

TEST_F(ApiKeyReloadTest, TheSameKeyInANewFileChangesNothing) {
  reload_->Look();
  const auto before = routes_->providers()[0]->credential.Get();

  Write("first-key");
  const std::string log = LogOf([&] { reload_->Look(); });

  EXPECT_EQ(routes_->providers()[0]->credential.Get(), before);
  EXPECT_EQ(log, "");
}

TEST_F(ApiKeyReloadTest, ABrokenFileKeepsTheOldKeyAndIsSaidOnce) {
  reload_->Look();

  Write("half-a key\n");
  const std::string first = LogOf([&] { reload_->Look(); });
  const std::string second = LogOf([&] { reload_->Look(); });

  EXPECT_THAT(Headers(), Contains("Authorization: Bearer first-key"));
  EXPECT_THAT(first, AllOf(HasSubstr("the old key stays"), HasSubstr(file_),
                           Not(HasSubstr("half-a")), Not(HasSubstr("first-key"))));
  EXPECT_EQ(second, "");
  EXPECT_THAT(metrics_.Render(),
              AllOf(HasSubstr(Failures(2)), Not(HasSubstr("first-key")), Not(HasSubstr("half-a"))));
}

TEST_F(ApiKeyReloadTest, AFileThatIsGoneIsTakenUpWhenItComesBack) {
  std::remove(file_.c_str());
  EXPECT_THAT(LogOf([&] { reload_->Look(); }), HasSubstr("No such file"));
  EXPECT_THAT(Headers(), Contains("Authorization: Bearer first-key"));

  Write("second-key");
  reload_->Look();

  EXPECT_THAT(Headers(), Contains("Authorization: Bearer second-key"));
  EXPECT_THAT(metrics_.Render(), HasSubstr(Failures(1)));
}

TEST_F(ApiKeyReloadTest, FilesAreLookedAtEveryFewSecondsUntilTheStop) {
  FakeClock clock;
  FakeTimers timers(clock);
  boost::asio::io_context io;
  std::stop_source stop;
  {
    BoundedExecutor blocking(1, 10);
    bool ended = false;
    Spawn(io.get_executor(),
          [](ApiKeyReload& reload, FakeTimers& fake, BoundedExecutor& disk, std::stop_token token,
             bool& over) -> Awaitable<void> {
            co_await WatchApiKeys(reload, fake, disk, token);
            over = true;
          }(*reload_, timers, blocking, stop.get_token(), ended));
    io.poll();
    for (const char* key : {"second-key", "third-key"}) {
      Write(key);
      // The look runs on a thread of its own.
      while (!testing::Matches(Contains(absl::StrCat("Authorization: Bearer ", key)))(Headers())) {
        timers.Advance(kKeyLookInterval);
        io.restart();
        io.run_one_for(std::chrono::milliseconds(1));
      }
    }

    stop.request_stop();
    while (!ended) {
      io.restart();
      io.run_one_for(std::chrono::milliseconds(1));
    }
    EXPECT_TRUE(ended);
  }
}

}  // namespace
}  // namespace penstock::provider_adapter
