#include "libs/base/log.h"

#include <gtest/gtest.h>

namespace penstock {
namespace {

TEST(FormatLogLine, IsOneJsonObjectWhateverTheText) {
  EXPECT_EQ(FormatLogLine("T", Severity::kWarning, "gateway", "a \"b\"\n\\", {{"turn", "t1"}}),
            R"({"time":"T","severity":"WARNING","service":"gateway",)"
            R"("message":"a \"b\"\u000a\\","turn":"t1"})");
}

TEST(FormatLogLine, LeavesOutEmptyFields) {
  EXPECT_EQ(FormatLogLine("T", Severity::kInfo, "s", "m", {{"turn", ""}}),
            R"({"time":"T","severity":"INFO","service":"s","message":"m"})");
}

}  // namespace
}  // namespace penstock
