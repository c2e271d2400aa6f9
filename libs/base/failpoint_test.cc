#include "libs/base/failpoint.h"

#include <gtest/gtest.h>

namespace penstock {
namespace {

TEST(Failpoints, FailAtTheChosenHitOnly) {
  Failpoints points(*Failpoints::Parse("journal.append=error@2"));

  EXPECT_TRUE(points.Hit("journal.append").ok());
  EXPECT_TRUE(absl::IsUnavailable(points.Hit("journal.append")));
  EXPECT_TRUE(points.Hit("journal.append").ok());
  EXPECT_TRUE(points.Hit("journal.sync").ok());
}

TEST(Failpoints, FailAtEachHitWithoutANumber) {
  Failpoints points(*Failpoints::Parse("a=delay:1us,b=error"));

  EXPECT_TRUE(points.Hit("a").ok());
  EXPECT_FALSE(points.Hit("b").ok());
  EXPECT_FALSE(points.Hit("b").ok());
}

TEST(FailpointsDeathTest, AbortKillsTheProcess) {
  Failpoints points(*Failpoints::Parse("a=abort"));

  EXPECT_EXIT(points.Hit("a").IgnoreError(), testing::KilledBySignal(SIGKILL), "");
}

TEST(Failpoints, RefuseATextThatTheyDoNotUnderstand) {
  for (const char* text : {"a", "=abort", "a=stop", "a=abort@0", "a=abort@x", "a=delay:fast"}) {
    EXPECT_TRUE(absl::IsInvalidArgument(Failpoints::Parse(text).status())) << text;
  }
  EXPECT_TRUE(Failpoints::Parse("")->empty());
}

}  // namespace
}  // namespace penstock
