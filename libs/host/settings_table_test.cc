#include "libs/host/settings_table.h"

#include <fstream>
#include <sstream>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace penstock::host {
namespace {

using testing::HasSubstr;

TEST(SettingsTable, IsWhatTheDocumentationShows) {
  const auto table = SettingsTableFromFile(PENSTOCK_DESCRIPTOR_SET);
  ASSERT_TRUE(table.ok()) << table.status();
  std::stringstream page;
  page << std::ifstream("deploy/config/SETTINGS.md").rdbuf();

  EXPECT_TRUE(page.str() == *table)
      << "deploy/config/SETTINGS.md is not what the schema says. Write it anew with:\n"
         "  cmake --build --preset dev --target settings_md";
}

TEST(SettingsTable, ShowsNotationDefaultRangeAndMeaning) {
  const auto table = SettingsTableFromFile(PENSTOCK_DESCRIPTOR_SET);
  ASSERT_TRUE(table.ok()) << table.status();

  EXPECT_THAT(*table,
              HasSubstr("| `identity.leeway` | duration | `30s` | 0 to 1m | Clock difference "
                        "tolerated in exp, nbf and iat. |"));
  EXPECT_THAT(*table, HasSubstr("| `identity.grant_root` | text, secret | "));
  EXPECT_THAT(*table, HasSubstr("| `agents[].id` | text | required | "));
}

TEST(SettingsTable, SaysWhatCannotBeRead) {
  EXPECT_EQ(SettingsTableFromFile("no/such").status().code(), absl::StatusCode::kNotFound);
  EXPECT_EQ(SettingsTable({}).status().code(), absl::StatusCode::kInvalidArgument);
}

}  // namespace
}  // namespace penstock::host
