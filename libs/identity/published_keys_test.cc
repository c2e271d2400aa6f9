#include "libs/identity/published_keys.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "libs/base/proto_time.h"
#include "libs/identity/jwk_text.h"
#include "libs/identity/token_lab.h"

#include "absl/strings/str_cat.h"

namespace penstock::identity {
namespace {

using Hope = PublishedKeys::Hope;
using ::testing::HasSubstr;

constexpr int kMaxAsked = 100;

// Refresh 10 min, at least 10 s between two looks, keys for 1 h.
class PublishedKeysTest : public ::testing::Test {
 protected:
  static config::v1::Jwks Config() {
    config::v1::Jwks config;
    config.set_url("https://issuer.test/jwks");
    *config.mutable_refresh_interval() = ToProto(absl::Minutes(10));
    *config.mutable_min_refresh_interval() = ToProto(absl::Seconds(10));
    *config.mutable_max_age() = ToProto(absl::Hours(1));
    config.set_max_bytes(64 * 1024);
    config.set_max_keys(8);
    config.set_max_waiting_calls(kMaxAsked);
    return config;
  }
  static std::string SetOf(const std::vector<std::string>& kids) {
    std::vector<std::string> jwks;
    for (const std::string& kid : kids) {
      jwks.push_back(
          JwkOf(SharedTokenLab().ec().public_key, {{"kid", absl::StrCat("\"", kid, "\"")}}));
    }
    return JwkSetOf(jwks);
  }

  // A fetch that is due now and brings these keys.
  void Fetch(const std::vector<std::string>& kids) {
    ASSERT_TRUE(keys_.Tick(now_));
    ASSERT_TRUE(keys_.Finish(SetOf(kids)).ok());
  }
  void FailToFetch() {
    ASSERT_TRUE(keys_.Tick(now_));
    EXPECT_FALSE(keys_.Finish(absl::UnavailableError("down")).ok());
  }
  bool Has(const std::string& kid) {
    const auto set = keys_.Current();
    return set != nullptr && FindKey(set->keys(), kid) != nullptr;
  }
  Hope Ask(const std::string& kid) { return keys_.Ask(kid, now_); }
  absl::Duration Wait() { return keys_.NextDue() - now_; }

  absl::Duration now_ = absl::Hours(5);
  PublishedKeys keys_{"https://issuer.test", Config()};
};

TEST_F(PublishedKeysTest, AreFetchedAtOnceAndThenInTheirInterval) {
  EXPECT_EQ(keys_.Current(), nullptr);
  EXPECT_LE(Wait(), absl::ZeroDuration());

  Fetch({"a"});

  EXPECT_TRUE(Has("a"));
  EXPECT_EQ(Wait(), absl::Minutes(10));
  now_ += absl::Minutes(10) - absl::Milliseconds(1);
  EXPECT_FALSE(keys_.Tick(now_));
  now_ += absl::Milliseconds(1);
  Fetch({"b"});
  EXPECT_FALSE(Has("a"));
  EXPECT_TRUE(Has("b"));
}

TEST_F(PublishedKeysTest, HaveOneFetchAtATime) {
  ASSERT_TRUE(keys_.Tick(now_));

  EXPECT_EQ(keys_.NextDue(), absl::InfiniteDuration());
  EXPECT_EQ(Ask("a"), Hope::kLater);
  now_ += absl::Hours(1);
  EXPECT_FALSE(keys_.Tick(now_));
}

TEST_F(PublishedKeysTest, AnUnknownIdIsLookedForOnceItMayBe) {
  Fetch({"a"});
  now_ += absl::Seconds(4);

  EXPECT_EQ(Ask("b"), Hope::kLater);
  EXPECT_EQ(Wait(), absl::Seconds(6));
  EXPECT_FALSE(keys_.IsAbsent("b"));
  now_ += absl::Seconds(6);
  Fetch({"a", "b"});

  EXPECT_EQ(Ask("b"), Hope::kNow);
  EXPECT_EQ(Wait(), absl::Minutes(10));
}

TEST_F(PublishedKeysTest, AnIdLookedForInVainIsAbsentForAWhile) {
  Fetch({"a"});
  now_ += absl::Minutes(1);
  EXPECT_EQ(Ask("b"), Hope::kLater);
  EXPECT_LE(Wait(), absl::ZeroDuration());
  Fetch({"a"});

  EXPECT_TRUE(keys_.IsAbsent("b"));
  EXPECT_EQ(Ask("b"), Hope::kNone);
  EXPECT_EQ(Wait(), absl::Seconds(10));
  now_ += absl::Seconds(10);
  EXPECT_FALSE(keys_.Tick(now_));

  EXPECT_FALSE(keys_.IsAbsent("b"));
  EXPECT_EQ(Ask("b"), Hope::kLater);
  Fetch({"a", "b"});
  EXPECT_TRUE(Has("b"));
}

// The document may have been made before the key was: the fetch under way proves nothing.
TEST_F(PublishedKeysTest, AnIdAskedForDuringAFetchIsNotAbsentAfterIt) {
  ASSERT_TRUE(keys_.Tick(now_));
  EXPECT_EQ(Ask("b"), Hope::kLater);
  ASSERT_TRUE(keys_.Finish(SetOf({"a"})).ok());

  EXPECT_FALSE(keys_.IsAbsent("b"));
  EXPECT_EQ(Ask("b"), Hope::kLater);
  EXPECT_EQ(Wait(), absl::Seconds(10));
  now_ += absl::Seconds(10);
  Fetch({"a"});
  EXPECT_TRUE(keys_.IsAbsent("b"));
}

TEST_F(PublishedKeysTest, AreFetchedOnceInTheMinimumIntervalHoweverManyIdsAsk) {
  Fetch({"a"});
  int fetches = 0;
  const absl::Duration end = now_ + absl::Minutes(5);
  for (int i = 0; now_ < end; ++i, now_ += absl::Milliseconds(10)) {
    (void)Ask(absl::StrCat("made up ", i));
    if (!keys_.Tick(now_)) continue;
    ++fetches;
    ASSERT_TRUE(keys_.Finish(SetOf({"a"})).ok());
  }

  EXPECT_EQ(fetches, 29);
}

TEST_F(PublishedKeysTest, TakeSoManyIdsAndNoMore) {
  Fetch({"a"});
  for (int i = 0; i < kMaxAsked; ++i) {
    ASSERT_EQ(Ask(absl::StrCat("b", i)), Hope::kLater);
  }

  EXPECT_EQ(Ask("one more"), Hope::kNone);
  EXPECT_EQ(Ask("b7"), Hope::kLater);
  now_ += absl::Seconds(10);
  Fetch({"a"});
  EXPECT_EQ(Ask("one more"), Hope::kLater);
}

TEST_F(PublishedKeysTest, OfAServerThatIsDownHoldUntilTheyAreTooOld) {
  Fetch({"a"});
  const absl::Duration fetched = now_;
  now_ += absl::Minutes(10);
  while (now_ < fetched + absl::Hours(1)) {
    EXPECT_TRUE(Has("a"));
    FailToFetch();
    EXPECT_EQ(Ask("b"), Hope::kNone);
    EXPECT_EQ(Wait(), absl::Seconds(10));
    now_ += Wait();
  }
  ASSERT_EQ(now_, fetched + absl::Hours(1));

  FailToFetch();
  EXPECT_FALSE(Has("a"));
  now_ += absl::Seconds(10);
  Fetch({"a"});
  EXPECT_TRUE(Has("a"));
}

TEST_F(PublishedKeysTest, ExpireOnTimeDuringASlowFetch) {
  Fetch({"a"});
  now_ += absl::Minutes(59);
  ASSERT_TRUE(keys_.Tick(now_));
  EXPECT_EQ(Wait(), absl::Minutes(1));
  now_ += absl::Minutes(1);

  EXPECT_FALSE(keys_.Tick(now_));

  EXPECT_EQ(keys_.Current(), nullptr);
  EXPECT_EQ(Ask("a"), Hope::kLater);
  // A document is as old as the start of its fetch.
  ASSERT_TRUE(keys_.Finish(SetOf({"a"})).ok());
  EXPECT_EQ(Wait(), absl::Minutes(9));
}

TEST_F(PublishedKeysTest, AreNotReplacedByGarbage) {
  Fetch({"a"});
  for (const std::string& garbage :
       {std::string(), std::string("<html>"), std::string(R"({"keys":[]})"),
        std::string(R"({"keys":[{"kty":"oct","k":"c2VjcmV0"}]})"), std::string(70'000, '{'),
        SetOf({"a", "a"}), SetOf({"1", "2", "3", "4", "5", "6", "7", "8", "9"})}) {
    now_ += absl::Minutes(10);
    ASSERT_TRUE(keys_.Tick(now_));

    EXPECT_EQ(keys_.Finish(garbage).code(), absl::StatusCode::kInvalidArgument);

    EXPECT_TRUE(Has("a"));
    EXPECT_EQ(Wait(), absl::Seconds(10));
    now_ += absl::Seconds(10);
    Fetch({"a"});
  }
}

TEST_F(PublishedKeysTest, FailureSaysWhy) {
  ASSERT_TRUE(keys_.Tick(now_));
  EXPECT_EQ(keys_.Finish(absl::UnavailableError("no route")).message(), "no route");

  now_ += absl::Seconds(10);
  ASSERT_TRUE(keys_.Tick(now_));
  EXPECT_THAT(std::string(keys_.Finish(std::string("x")).message()), HasSubstr("key set: "));
}

TEST_F(PublishedKeysTest, ATokenWithoutKidWaitsForAnyKey) {
  ASSERT_TRUE(keys_.Tick(now_));
  EXPECT_EQ(keys_.Ask(std::nullopt, now_), Hope::kLater);
  ASSERT_TRUE(keys_.Finish(SetOf({"a"})).ok());

  EXPECT_EQ(keys_.Ask(std::nullopt, now_), Hope::kNow);
  EXPECT_EQ(Wait(), absl::Minutes(10));
}

}  // namespace
}  // namespace penstock::identity
