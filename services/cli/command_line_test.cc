#include "services/cli/command_line.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "services/cli/help_text.h"

namespace penstock::cli {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;

const std::vector<Flag> kGlobal = {{"--address", "A", "where", false, "PENSTOCK_ADDRESS"},
                                   {"--output", "FORMAT", "how"}};

const std::vector<Command> kCommands = {
    {"chat", {}, "talk", {{"--message", "TEXT", "say", true}, {"--quiet", "", "less"}}, {}, {}},
    {"turn get", {"NAME"}, "one turn", {}, {"penstock turn get s/t"}, {}},
    {"turn list", {}, "turns", {{"--limit", "N", "at most"}, {"--ttl", "D", "life"}}, {}, {}},
    {"session create", {"[ID]"}, "new one", {}, {}, {}}};

absl::StatusOr<CommandLine> Parse(const std::vector<std::string>& given,
                                  const std::map<std::string, std::string>& variables = {}) {
  return ParseCommandLine(given, kCommands, kGlobal,
                          [&](const std::string& name) -> std::optional<std::string> {
                            const auto found = variables.find(name);
                            if (found == variables.end()) return std::nullopt;
                            return found->second;
                          });
}

TEST(CommandLine, TakesFlagsBeforeAndAfterTheCommand) {
  const auto line = Parse({"--address", "a:1", "turn", "get", "s1/t1", "--output=json"});

  ASSERT_TRUE(line.ok()) << line.status();
  EXPECT_EQ(line->command->name, "turn get");
  EXPECT_THAT(line->arguments.words, ElementsAre("s1/t1"));
  EXPECT_EQ(line->arguments.Value("--address"), "a:1");
  EXPECT_EQ(line->arguments.Value("--output"), "json");
}

TEST(CommandLine, KeepsTheOrderOfARepeatedFlagAndTheLastOfAnother) {
  const auto line = Parse({"chat", "--message", "one", "--message=two", "--output", "text",
                           "--output", "json", "--quiet"});

  ASSERT_TRUE(line.ok()) << line.status();
  EXPECT_THAT(line->arguments.Values("--message"), ElementsAre("one", "two"));
  EXPECT_EQ(line->arguments.Value("--output"), "json");
  EXPECT_TRUE(line->arguments.Has("--quiet"));
}

TEST(CommandLine, TakesAValueThatLooksLikeAFlagAndWordsAfterTwoDashes) {
  const auto line = Parse({"chat", "--message", "--quiet"});
  const auto words = Parse({"turn", "get", "--", "--odd"});

  ASSERT_TRUE(line.ok() && words.ok());
  EXPECT_EQ(line->arguments.Value("--message"), "--quiet");
  EXPECT_FALSE(line->arguments.Has("--quiet"));
  EXPECT_THAT(words->arguments.words, ElementsAre("--odd"));
}

TEST(CommandLine, TakesTheVariableWhereTheFlagIsAbsent) {
  const std::map<std::string, std::string> variables = {{"PENSTOCK_ADDRESS", "b:2"}};

  EXPECT_EQ(Parse({"chat"}, variables)->arguments.Value("--address"), "b:2");
  EXPECT_EQ(Parse({"chat", "--address", "a:1"}, variables)->arguments.Value("--address"), "a:1");
  EXPECT_EQ(Parse({"chat"})->arguments.Value("--address", "c:3"), "c:3");
}

TEST(CommandLine, NothingAtAllAndHelpAskForHelp) {
  EXPECT_TRUE(Parse({})->help);
  EXPECT_TRUE(Parse({"--help"})->help);
  const auto line = Parse({"turn", "get", "-h"});
  ASSERT_TRUE(line.ok()) << line.status();
  EXPECT_TRUE(line->help);
  EXPECT_EQ(line->command->name, "turn get");
}

TEST(CommandLine, SaysWhatIsWrongAndWhatIsNearest) {
  const std::vector<std::pair<std::vector<std::string>, std::string>> cases = {
      {{"chta"}, "unknown command chta; did you mean chat?"},
      {{"turn", "gte"}, "unknown command turn gte; did you mean turn get?"},
      {{"turn"}, "command turn is not complete; expected turn get, turn list"},
      {{"chat", "--mesage", "x"}, "unknown flag --mesage of chat; did you mean --message?"},
      {{"--adress", "x"}, "unknown flag --adress before the command; did you mean --address?"},
      {{"chat", "--quiet=1"}, "--quiet takes no value"},
      {{"chat", "--message"}, "--message needs a value: --message TEXT"},
      {{"turn", "get"}, "turn get: NAME is missing"},
      {{"turn", "get", "a", "b"},
       "turn get: unexpected 'b'; a text of several words stands in quotes"},
      {{"--output", "json"}, "no command given"}};
  for (const auto& [given, message] : cases) {
    const absl::Status status = Parse(given).status();

    EXPECT_EQ(status.message(), message);
    EXPECT_TRUE(IsUsageError(status));
  }
}

TEST(CommandLine, ReadsNumbersDurationsAndChoices) {
  const Arguments arguments =
      Parse({"turn", "list", "--limit", "7", "--ttl", "90s", "--output", "json"})->arguments;

  EXPECT_EQ(*arguments.Integer("--limit", 50, 1, 100), 7);
  EXPECT_EQ(*arguments.Duration("--ttl", absl::ZeroDuration()), absl::Seconds(90));
  EXPECT_EQ(*arguments.Choice("--output", {"text", "json"}), "json");
  EXPECT_EQ(*Arguments().Integer("--limit", 50, 1, 100), 50);
  EXPECT_EQ(*Arguments().Choice("--output", {"text", "json"}), "text");
}

TEST(CommandLine, RefusesOtherValuesAndSaysWhichAreAllowed) {
  const Arguments arguments =
      Parse({"turn", "list", "--limit", "0", "--ttl", "soon", "--output", "xml"})->arguments;

  EXPECT_EQ(arguments.Integer("--limit", 50, 1, 100).status().message(),
            "--limit: found '0', expected a number from 1 to 100");
  EXPECT_THAT(std::string(arguments.Duration("--ttl", absl::Hours(1)).status().message()),
              HasSubstr("--ttl: found 'soon', expected a duration"));
  const absl::Status status = arguments.Choice("--output", {"text", "json"}).status();
  EXPECT_EQ(status.message(), "--output: found 'xml', expected text or json");
  EXPECT_TRUE(IsUsageError(status));
}

TEST(HelpText, ShowsWordsFlagsVariablesAndExamples) {
  const std::string help = HelpOf(kCommands[1], kGlobal);
  const std::string overview = Overview(kCommands, kGlobal);

  EXPECT_THAT(help, HasSubstr("usage: penstock turn get NAME"));
  EXPECT_THAT(help, HasSubstr("--address A      where (environment: PENSTOCK_ADDRESS)"));
  EXPECT_THAT(help, HasSubstr("examples:\n  penstock turn get s/t"));
  EXPECT_THAT(overview, HasSubstr("  session create [ID]  new one\n"));
}

}  // namespace
}  // namespace penstock::cli
