#include "tests/providersim/directives.h"

#include <gtest/gtest.h>

namespace penstock::providersim {
namespace {

Faults FaultsOf(absl::string_view message) {
  const auto directives = ParseDirectives(message);
  EXPECT_TRUE(directives.ok()) << directives.status();
  return directives.ok() ? directives->faults : Faults();
}

bool IsRefused(absl::string_view message) { return !ParseDirectives(message).ok(); }

TEST(Directives, AreNotPartOfWhatIsSaid) {
  const auto directives = ParseDirectives("One.\n/sim tokens 3\nTwo.\n/sim hang-after 1");

  ASSERT_TRUE(directives.ok());
  EXPECT_EQ(directives->said, "One.\nTwo.");
  EXPECT_EQ(directives->tokens, 3);
  EXPECT_EQ(directives->faults.strike, Strike::kHang);
}

TEST(Directives, TellWhenAFaultStrikes) {
  EXPECT_EQ(FaultsOf("/sim cut-after 4").after, 4);
  EXPECT_EQ(FaultsOf("/sim truncate-after 0").strike, Strike::kTruncate);
  EXPECT_EQ(FaultsOf("/sim tear-after 2").strike, Strike::kTear);
  EXPECT_EQ(FaultsOf("/sim malformed").strike, Strike::kMalformedJson);
  EXPECT_EQ(FaultsOf("/sim malformed-after 1 shape").strike, Strike::kMalformedShape);
  EXPECT_EQ(FaultsOf("/sim malformed-after 1 sse").strike, Strike::kMalformedSse);
  EXPECT_EQ(FaultsOf("/sim long-line-after 1").line_bytes, 10'000'000);
  EXPECT_EQ(FaultsOf("/sim long-line-after 1 77").line_bytes, 77);
  EXPECT_EQ(FaultsOf("/sim drip-after 3 7").drip, std::chrono::milliseconds(7));
  EXPECT_EQ(FaultsOf("/sim drip-after 3 7").strike, Strike::kDrip);
  EXPECT_EQ(FaultsOf("/sim drip 7").strike, Strike::kNone);
}

TEST(Directives, TellTheStatusOfAFault) {
  EXPECT_EQ(FaultsOf("/sim error-after 1").error_status, 500);
  EXPECT_EQ(FaultsOf("/sim error-after 1 529").error_status, 529);
  EXPECT_EQ(FaultsOf("/sim error-after 1 429 slow_down").error_code, "slow_down");
  EXPECT_EQ(FaultsOf("/sim html").html, 200);
  EXPECT_EQ(FaultsOf("/sim html 502").html, 502);
  EXPECT_EQ(FaultsOf("/sim redirect 307 http://127.0.0.1:9/x").location, "http://127.0.0.1:9/x");
  EXPECT_EQ(FaultsOf("/sim status 429 1500").retry_after, std::chrono::milliseconds(1500));
}

TEST(Directives, NarrowFaultsToAFormatOrAModel) {
  const Faults faults = FaultsOf("/sim only anthropic\n/sim only small\n/sim hang-before");

  EXPECT_TRUE(faults.Concern("anthropic", "sim"));
  EXPECT_TRUE(faults.Concern("openai", "small"));
  EXPECT_FALSE(faults.Concern("openai", "sim"));
  EXPECT_TRUE(FaultsOf("/sim hang-before").Concern("openai", "sim"));
}

TEST(Directives, AreRefusedWhenTheyAreMisspeltOrContradictEachOther) {
  EXPECT_TRUE(IsRefused("/sim tokns 3"));
  EXPECT_TRUE(IsRefused("/sim hang-before 3"));
  EXPECT_TRUE(IsRefused("/sim cut-after"));
  EXPECT_TRUE(IsRefused("/sim cut-after -1"));
  EXPECT_TRUE(IsRefused("/sim cut-after 1\n/sim hang-after 2"));
  EXPECT_TRUE(IsRefused("/sim drip 1\n/sim drip-after 1 1"));
  EXPECT_TRUE(IsRefused("/sim drip-after 1"));
  EXPECT_TRUE(IsRefused("/sim malformed-after 1 xml"));
  EXPECT_TRUE(IsRefused("/sim error-after 1 200"));
  EXPECT_TRUE(IsRefused("/sim status 302"));
  EXPECT_TRUE(IsRefused("/sim redirect 304 http://x"));
  EXPECT_TRUE(IsRefused("/sim redirect 307"));
  EXPECT_TRUE(IsRefused("/sim html 100"));
  EXPECT_TRUE(IsRefused("/sim finish tired"));
  EXPECT_TRUE(IsRefused("/sim only"));
  EXPECT_TRUE(IsRefused("/sim fail-first 1 503"));
}

}  // namespace
}  // namespace penstock::providersim
