#include "services/memory_recall/memory_keys.h"

#include <gtest/gtest.h>

#include "libs/base/ids.h"
#include "services/memory_recall/memory_id.h"

namespace penstock::memory_recall {
namespace {

const std::string kUser(16, '\x05');

TEST(MemoryKeys, SortNewestFirstAndOldestFirst) {
  const std::string old = NewId(absl::FromUnixSeconds(1000));
  const std::string young = NewId(absl::FromUnixSeconds(2000));

  EXPECT_LT(NewestFirstKey(kUser, young), NewestFirstKey(kUser, old));
  EXPECT_LT(OldestFirstKey(kUser, old), OldestFirstKey(kUser, young));
  EXPECT_EQ(IdOfNewestFirstKey(NewestFirstKey(kUser, old)), old);
  EXPECT_EQ(IdOfOldestFirstKey(OldestFirstKey(kUser, old)), old);
}

TEST(MemoryKeys, AreDueFromTheMinuteAfterTheirs) {
  const std::string id(16, 'i');
  const auto at = [](int second) { return absl::FromUnixSeconds(600 + second); };
  const std::string key = DueKey(at(30), DueKind::kMemory, kUser, id);

  EXPECT_GE(key, DueEnd(at(59)));
  EXPECT_LT(key, DueEnd(at(60)));
  const auto due = ParseDueKey(key);
  ASSERT_TRUE(due.has_value());
  EXPECT_EQ(due->kind, DueKind::kMemory);
  EXPECT_EQ(due->user, kUser);
  EXPECT_EQ(due->what, id);
  EXPECT_FALSE(ParseDueKey(key.substr(1)).has_value());
  EXPECT_FALSE(ParseDueKey("").has_value());
}

TEST(MemoryKeys, KnowAnId) {
  EXPECT_TRUE(IsMemoryId(NewId(absl::Now())));
  EXPECT_FALSE(IsMemoryId("m1"));
  EXPECT_FALSE(IsMemoryId("0190A6C0-0000-7000-8000-000000000000"));
  EXPECT_FALSE(IsMemoryId("0190a6c000000-7000-8000-000000000000"));
}

}  // namespace
}  // namespace penstock::memory_recall
