#include "services/cli/local_tools.h"

#include <fstream>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace penstock::cli {
namespace {

using testing::HasSubstr;

absl::StatusOr<LocalTools> Read(std::map<std::string, std::vector<std::string>, std::less<>> flags,
                                bool can_ask = true) {
  Arguments arguments;
  arguments.flags = std::move(flags);
  return LocalToolsOf(arguments, can_ask);
}

TEST(LocalTools, AreDeclaredWithAnyObjectAsArguments) {
  const auto tools = Read({{"--tool", {"clock=date +%R", "env=A=1 env"}}});

  ASSERT_TRUE(tools.ok()) << tools.status();
  ASSERT_NE(tools->Find("env"), nullptr);
  EXPECT_EQ(tools->Find("env")->command, "A=1 env");
  EXPECT_EQ(tools->Find("clock")->command, "date +%R");
  EXPECT_EQ(tools->Find("clock")->declared.parameters(), R"({"type":"object"})");
  EXPECT_EQ(tools->Find("other"), nullptr);
  EXPECT_TRUE(tools->ask);
  EXPECT_EQ(tools->patience, absl::Minutes(1));
}

TEST(LocalTools, TakeSchemaAndDescriptionFromAFile) {
  const std::string file = testing::TempDir() + "/local_tools_schema.json";
  const std::string schema = R"({ "description": "Tells the time.", "type": "object" })";
  std::ofstream(file) << schema;

  const auto tools = Read({{"--tool", {"clock=date"}}, {"--tool-schema", {"clock=" + file}}});

  ASSERT_TRUE(tools.ok()) << tools.status();
  EXPECT_EQ(tools->Find("clock")->declared.parameters(), schema);
  EXPECT_EQ(tools->Find("clock")->declared.description(), "Tells the time.");
}

TEST(LocalTools, AreRefusedWithTheFlag) {
  const auto error = [](auto flags, bool can_ask = true) {
    const auto tools = Read(flags, can_ask);
    EXPECT_TRUE(IsUsageError(tools.status()));
    return std::string(tools.status().message());
  };
  using Flags = std::map<std::string, std::vector<std::string>, std::less<>>;

  EXPECT_THAT(error(Flags{{"--tool", {"clock"}}}), HasSubstr("expected NAME=COMMAND"));
  EXPECT_THAT(error(Flags{{"--tool", {"a b=date"}}}), HasSubstr("expected NAME=COMMAND"));
  EXPECT_THAT(error(Flags{{"--tool", {"a=x", "a=y"}}}), HasSubstr("a is given twice"));
  EXPECT_THAT(error(Flags{{"--tool-schema", {"a=/dev/null"}}}), HasSubstr("no --tool a"));
  EXPECT_THAT(error(Flags{{"--tool", {"a=x"}}, {"--tool-schema", {"a=/dev/null"}}}),
              HasSubstr("expected a JSON object"));
  EXPECT_THAT(error(Flags{{"--tool", {"a=x"}}, {"--tool-schema", {"a=/nonexistent"}}}),
              HasSubstr("cannot read /nonexistent"));
  EXPECT_THAT(error(Flags{{"--tool", {"a=x"}}}, false), HasSubstr("--yes runs tools unasked"));
}

TEST(LocalTools, NeedNobodyToAskWhenTheyAreAllowed) {
  EXPECT_TRUE(Read({{"--tool", {"a=x"}}, {"--yes", {""}}}, false).ok());
  EXPECT_TRUE(Read({}, false).ok());
}

}  // namespace
}  // namespace penstock::cli
