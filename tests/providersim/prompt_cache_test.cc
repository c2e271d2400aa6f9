#include "tests/providersim/prompt_cache.h"

#include <gtest/gtest.h>

#include "libs/base/fake_clock.h"

#include "absl/strings/str_cat.h"

namespace penstock::providersim {
namespace {

using Prefixes = std::vector<CachePrefix>;

constexpr CacheMark kShort = CacheMark::kFiveMinutes;
constexpr CacheMark kLong = CacheMark::kOneHour;

class PromptCacheTest : public testing::Test {
 protected:
  // "read/written for 5 minutes/written for an hour"; and keeps it.
  std::string Use(const Prefixes& prefixes, absl::string_view account = "a",
                  absl::string_view model = "m") {
    const CacheUse use = cache_.Look(account, model, prefixes);
    cache_.Keep(account, model, prefixes);
    return absl::StrCat(use.read, "/", use.written_5m, "/", use.written_1h);
  }

  FakeClock clock_;
  PromptCache cache_{1000, clock_};
};

TEST_F(PromptCacheTest, WritesFirstAndReadsThen) {
  const Prefixes prompt = {{1, 1200, kShort}, {2, 1500}};

  EXPECT_EQ(Use(prompt), "0/1200/0");
  EXPECT_EQ(Use(prompt), "1200/0/0");
}

TEST_F(PromptCacheTest, WritesWhatIsNewBehindWhatItReads) {
  Use({{1, 1200, kShort}});

  EXPECT_EQ(Use({{1, 1200, kShort}, {2, 1500}, {3, 1700, kShort}}), "1200/500/0");
  EXPECT_EQ(Use({{1, 1200}, {2, 1500}, {3, 1700}, {4, 1900, kShort}}), "1700/200/0");
}

TEST_F(PromptCacheTest, ReadsNothingWithoutAMark) {
  Use({{1, 1200, kShort}});

  EXPECT_EQ(Use({{1, 1200}, {2, 1500}}), "0/0/0");
}

TEST_F(PromptCacheTest, LooksTwentyBlocksBack) {
  Use({{1, 1200, kShort}});
  const auto grown = [](uint64_t blocks) {
    Prefixes prefixes;
    for (uint64_t i = 1; i <= blocks; ++i) prefixes.push_back({i, 1200 + static_cast<int64_t>(i)});
    prefixes.back().mark = kShort;
    return prefixes;
  };

  EXPECT_EQ(cache_.Look("a", "m", grown(20)).read, 1201);
  EXPECT_EQ(cache_.Look("a", "m", grown(21)).read, 0);
}

TEST_F(PromptCacheTest, KeepsAMarkForItsTimeAfterItsLastUse) {
  const Prefixes brief = {{1, 1200, kShort}};
  const Prefixes lasting = {{2, 1200, kLong}};
  Use(brief);
  EXPECT_EQ(Use(lasting), "0/0/1200");

  clock_.Advance(absl::Minutes(4));
  EXPECT_EQ(Use(brief), "1200/0/0");
  clock_.Advance(absl::Minutes(4));
  EXPECT_EQ(Use(brief), "1200/0/0");
  clock_.Advance(absl::Minutes(5));

  EXPECT_EQ(Use(brief), "0/1200/0");
  EXPECT_EQ(Use(lasting), "1200/0/0");
  clock_.Advance(absl::Hours(1));
  EXPECT_EQ(Use(lasting), "0/0/1200");
}

TEST_F(PromptCacheTest, KeepsNothingShort) {
  EXPECT_EQ(Use({{1, 999, kShort}}), "0/0/0");
  EXPECT_EQ(Use({{1, 999, kShort}}), "0/0/0");
}

TEST_F(PromptCacheTest, IsOfOneAccountAndModel) {
  const Prefixes prompt = {{1, 1200, kShort}};
  Use(prompt);

  EXPECT_EQ(Use(prompt, "b"), "0/1200/0");
  EXPECT_EQ(Use(prompt, "a", "n"), "0/1200/0");
}

}  // namespace
}  // namespace penstock::providersim
