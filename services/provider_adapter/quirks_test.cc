#include "services/provider_adapter/quirks.h"

#include <fstream>
#include <sstream>
#include <string>
#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "absl/strings/strip.h"

namespace penstock::provider_adapter {
namespace {

using testing::HasSubstr;

absl::StatusOr<Quirks> Read(absl::string_view protocol, const std::vector<std::string>& names) {
  google::protobuf::RepeatedPtrField<std::string> list(names.begin(), names.end());
  return ReadQuirks(protocol, list, "providers[3].quirks");
}

TEST(Quirks, AreSetByName) {
  const auto quirks = Read("openai", {"max_tokens", "no_stream_options", "max_tokens"});

  ASSERT_TRUE(quirks.ok()) << quirks.status();
  EXPECT_TRUE(quirks->max_tokens);
  EXPECT_TRUE(quirks->no_stream_options);
  EXPECT_FALSE(quirks->no_tool_choice);
}

TEST(Quirks, ThatAreUnknownAreRefusedWithThoseThereAre) {
  EXPECT_THAT(std::string(Read("openai", {"max_tokens", "max_token"}).status().message()),
              testing::AllOf(HasSubstr("providers[3].quirks[1]: found max_token, "),
                             HasSubstr("no_stream_options, no_tool_choice"),
                             testing::Not(HasSubstr("bearer_key"))));
}

TEST(Quirks, OfAnotherProtocolAreRefused) {
  EXPECT_THAT(std::string(Read("anthropic", {"max_tokens"}).status().message()),
              testing::EndsWith("allowed bearer_key"));
  EXPECT_TRUE(Read("anthropic", {"bearer_key"}).ok());
}

TEST(Quirks, EachSetsAFieldOfItsOwn) {
  for (const Quirk& quirk : AllQuirks()) {
    const auto quirks = Read(quirk.protocol, {std::string(quirk.name)});

    ASSERT_TRUE(quirks.ok()) << quirks.status();
    int set = 0;
    for (const Quirk& other : AllQuirks()) set += (*quirks).*other.set ? 1 : 0;
    EXPECT_EQ(set, 1) << quirk.name;
    EXPECT_TRUE((*quirks).*quirk.set) << quirk.name;
  }
}

// "openai no_tool_choice" of each row "| `no_tool_choice` | openai | ... |" of the page.
std::vector<std::string> OnThePage() {
  std::ifstream page("services/provider_adapter/QUIRKS.md");
  EXPECT_TRUE(page.good());
  std::vector<std::string> rows;
  for (std::string line; std::getline(page, line);) {
    if (!absl::StartsWith(line, "| `")) continue;
    const std::vector<std::string> cells = absl::StrSplit(line, " | ");
    EXPECT_EQ(cells.size(), 5u) << line;
    const absl::string_view name = absl::StripSuffix(absl::StripPrefix(cells[0], "| `"), "`");
    rows.push_back(absl::StrCat(cells[1], " ", name));
  }
  return rows;
}

TEST(Quirks, AreThoseOfThePage) {
  std::vector<std::string> quirks;
  for (const Quirk& quirk : AllQuirks()) {
    quirks.push_back(absl::StrCat(quirk.protocol, " ", quirk.name));
  }

  EXPECT_THAT(OnThePage(), testing::ElementsAreArray(quirks));
}

}  // namespace
}  // namespace penstock::provider_adapter
