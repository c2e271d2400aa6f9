#include "services/session_state/session_cache.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "libs/identity/testing.h"
#include "services/session_state/past_turn_for_test.h"

namespace penstock::session_state {
namespace {

class SessionCacheTest : public testing::Test {
 protected:
  static SessionKey Key(int i) {
    return {identity::UserKeyForTest("t", "u"), absl::StrCat("s", i)};
  }

  static void Put(SessionCache& cache, int i, size_t input_bytes = 0) {
    auto session = std::make_unique<CachedSession>();
    session->stored.set_last_sequence(i);
    session->begun.emplace().add_input()->mutable_text()->set_text(std::string(input_bytes, 'x'));
    cache.Put(Key(i), std::move(session));
  }

  obs::Metrics metrics_;
};

TEST_F(SessionCacheTest, GivesASessionAwayOnce) {
  SessionCache cache(1 << 20, metrics_);
  Put(cache, 1);

  const auto session = cache.Take(Key(1));

  ASSERT_NE(session, nullptr);
  EXPECT_EQ(session->stored.last_sequence(), 1);
  EXPECT_EQ(cache.Take(Key(1)), nullptr);
  EXPECT_THAT(metrics_.Render(), testing::HasSubstr("session_state_cache_hits_total 1"));
  EXPECT_THAT(metrics_.Render(), testing::HasSubstr("session_state_cache_misses_total 1"));
}

TEST_F(SessionCacheTest, ThatUsedLongestAgoGivesWay) {
  SessionCache cache(50 << 10, metrics_);
  Put(cache, 1, 20 << 10);
  Put(cache, 2, 20 << 10);
  cache.Put(Key(1), cache.Take(Key(1)));

  Put(cache, 3, 20 << 10);

  EXPECT_EQ(cache.Take(Key(2)), nullptr);
  EXPECT_NE(cache.Take(Key(1)), nullptr);
  EXPECT_NE(cache.Take(Key(3)), nullptr);
  EXPECT_THAT(metrics_.Render(), testing::HasSubstr("session_state_cache_bytes 0"));
}

TEST_F(SessionCacheTest, KeepsNothingThatIsLargerThanItself) {
  SessionCache off(0, metrics_);
  SessionCache small(16 << 10, metrics_);

  Put(off, 1);
  Put(small, 1, 32 << 10);

  EXPECT_EQ(off.Take(Key(1)), nullptr);
  EXPECT_EQ(small.Take(Key(1)), nullptr);
}

TEST_F(SessionCacheTest, ForgetsWhatIsDropped) {
  SessionCache cache(1 << 20, metrics_);
  Put(cache, 1);

  cache.Drop(Key(1));
  cache.Drop(Key(2));

  EXPECT_EQ(cache.Take(Key(1)), nullptr);
}

}  // namespace
}  // namespace penstock::session_state
