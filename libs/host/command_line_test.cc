#include "libs/host/command_line.h"

#include <initializer_list>
#include <vector>

#include <gtest/gtest.h>

namespace penstock::host {
namespace {

absl::StatusOr<CommandLine> Parse(std::initializer_list<const char*> flags) {
  std::vector<const char*> arguments = {"gateway"};
  arguments.insert(arguments.end(), flags);
  return ParseCommandLine(static_cast<int>(arguments.size()), arguments.data());
}

TEST(CommandLine, TakesTheConfigurationInBothNotations) {
  EXPECT_EQ(Parse({"--config", "a.yaml"})->config_file, "a.yaml");
  EXPECT_EQ(Parse({"--config=b.yaml"})->config_file, "b.yaml");
}

TEST(CommandLine, AnswersHelpAndVersionWithoutAConfiguration) {
  EXPECT_EQ(Parse({"--help"})->action, CommandLine::Action::kHelp);
  EXPECT_EQ(Parse({"--version"})->action, CommandLine::Action::kVersion);
}

TEST(CommandLine, SaysWhatIsWrong) {
  EXPECT_EQ(Parse({}).status().message(), "--config FILE is required");
  EXPECT_EQ(Parse({"--config"}).status().message(), "--config FILE is required");
  EXPECT_EQ(Parse({"--config="}).status().message(), "--config FILE is required");
  EXPECT_EQ(Parse({"--confg", "x"}).status().message(), "unknown argument \"--confg\"");
  EXPECT_EQ(Parse({"x.yaml"}).status().message(), "unknown argument \"x.yaml\"");
}

}  // namespace
}  // namespace penstock::host
