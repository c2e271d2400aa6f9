#include "libs/base/ids.h"

#include <set>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "libs/base/refusal.h"

namespace penstock {
namespace {

TEST(NewId, SortsByMillisecondAndIsUnique) {
  const absl::Time now = absl::FromUnixMillis(1'790'000'000'000);
  std::set<std::string> ids;
  for (int i = 0; i < 1000; ++i) ids.insert(NewId(now));

  EXPECT_EQ(ids.size(), 1000u);
  EXPECT_LT(*ids.rbegin(), NewId(now + absl::Milliseconds(1)));
  EXPECT_EQ(ids.begin()->size(), 36u);
  EXPECT_EQ(ids.begin()->at(14), '7');
  EXPECT_TRUE(IsValidId(*ids.begin()));
}

TEST(IsValidId, RefusesWhatCouldLeaveItsPlaceInAName) {
  EXPECT_TRUE(IsValidId("a.B_c~d-9"));
  EXPECT_TRUE(IsValidId(std::string(64, 'x')));

  EXPECT_FALSE(IsValidId(""));
  EXPECT_FALSE(IsValidId(std::string(65, 'x')));
  EXPECT_FALSE(IsValidId("a/b"));
  EXPECT_FALSE(IsValidId(".."));
  EXPECT_FALSE(IsValidId("-"));
  EXPECT_FALSE(IsValidId(absl::string_view("a\0b", 3)));
  EXPECT_FALSE(IsValidId("é"));
}

TEST(ParseTurnName, ReturnsBothIds) {
  const auto ids = ParseTurnName("sessions/s1/turns/t1", "name");

  ASSERT_TRUE(ids.ok());
  EXPECT_EQ(ids->session, "s1");
  EXPECT_EQ(ids->turn, "t1");
}

TEST(ParseTurnName, NamesTheFieldAndWhatItFound) {
  const auto ids = ParseTurnName("sessions/s1", "name");

  EXPECT_EQ(ReasonOf(ids.status()), "FIELD_INVALID");
  EXPECT_THAT(ids.status().message(), testing::HasSubstr("name: found \"sessions/s1\""));
}

}  // namespace
}  // namespace penstock
