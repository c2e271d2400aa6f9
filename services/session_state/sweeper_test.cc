#include "services/session_state/sweeper.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "libs/async/bounded_executor.h"
#include "libs/async/fake_timers.h"
#include "libs/identity/testing.h"
#include "libs/rocksdb/testing.h"
#include "services/session_state/session_store_rocksdb.h"

#include "absl/strings/str_cat.h"

namespace penstock::session_state {
namespace {

class SweeperTest : public testing::Test {
 protected:
  bool Exists(const std::string& session) {
    return threads_.Await(store_->ResolveSession(user_, session))->exists;
  }
  // Lets time pass until the metric that counts swept rows has this value.
  void PassTimeUntilSwept(int count) {
    const std::string line = absl::StrCat("penstock_session_state_swept_total ", count, "\n");
    while (metrics_.Render().find(line) == std::string::npos) {
      timers_.Advance(absl::Minutes(1));
      std::this_thread::yield();
    }
  }

  const UserKey user_ = identity::UserKeyForTest("acme", "u1");
  rocks::CoroutineThreads threads_;
  FakeClock clock_;
  FakeTimers timers_{clock_};
  rocks::TemporaryFolder folder_;
  BoundedExecutor reads_{2, 1024};
  obs::Metrics metrics_;
  std::unique_ptr<RocksSessionStore> store_ =
      RocksSessionStore::Open({.path = folder_.path(), .idle_ttl = absl::Minutes(2)}, reads_,
                              metrics_)
          .value();
};

TEST_F(SweeperTest, RemovesAllThatIsDueEachTime) {
  const Sweeper sweeper(*store_, threads_.io().get_executor(), timers_, clock_, metrics_,
                        absl::Minutes(1));
  for (int i = 0; i < 600; ++i) {
    const EnsureSessionArgs args{absl::StrCat("s", i), "", clock_.Now()};
    ASSERT_TRUE(threads_.Await(store_->EnsureSession(user_, args)).ok());
  }

  PassTimeUntilSwept(600);

  EXPECT_FALSE(Exists("s0"));
  EXPECT_FALSE(Exists("s599"));
}

TEST_F(SweeperTest, StopsWhileASweepRuns) {
  for (int i = 0; i < 600; ++i) {
    const EnsureSessionArgs args{absl::StrCat("s", i), "", clock_.Now() - absl::Hours(1)};
    ASSERT_TRUE(threads_.Await(store_->EnsureSession(user_, args)).ok());
  }
  auto sweeper = std::make_unique<Sweeper>(*store_, threads_.io().get_executor(), timers_, clock_,
                                           metrics_, absl::Minutes(1));

  timers_.Advance(absl::Minutes(1));
  sweeper.reset();
  timers_.Advance(absl::Hours(1));

  store_.reset();
}

}  // namespace
}  // namespace penstock::session_state
