#include "services/cli/help_text.h"

#include <algorithm>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"

namespace penstock::cli {
namespace {

struct Row {
  std::string left;
  std::string right;
};

std::string Columns(const std::vector<Row>& rows) {
  size_t width = 0;
  for (const Row& row : rows) width = std::max(width, row.left.size());
  std::string text;
  for (const Row& row : rows) {
    absl::StrAppend(&text, "  ", row.left, std::string(width + 2 - row.left.size(), ' '), row.right,
                    "\n");
  }
  return text;
}

std::string CallOf(const Command& command) {
  std::string call = command.name;
  for (const std::string& word : command.words) absl::StrAppend(&call, " ", word);
  return call;
}

std::string FlagsText(const std::vector<Flag>& flags) {
  std::vector<Row> rows;
  for (const Flag& flag : flags) {
    std::string right = flag.meaning;
    if (flag.repeated) absl::StrAppend(&right, "; may be repeated");
    if (!flag.variable.empty()) absl::StrAppend(&right, " (environment: ", flag.variable, ")");
    rows.push_back({absl::StrCat(flag.name, flag.value.empty() ? "" : " ", flag.value), right});
  }
  return Columns(rows);
}

}  // namespace

std::string Overview(const std::vector<Command>& commands, const std::vector<Flag>& global_flags) {
  std::vector<Row> rows;
  for (const Command& command : commands) rows.push_back({CallOf(command), command.summary});
  return absl::StrCat(
      "usage: penstock COMMAND [FLAG...]\n\n", Columns(rows), "\nflags of every command:\n",
      FlagsText(global_flags),
      "\n`penstock help COMMAND` says more. Exit codes: 0 done, 1 refused, or the turn did not\n"
      "succeed, 2 wrong command line, 130 interrupted.\n");
}

std::string HelpOf(const Command& command, const std::vector<Flag>& global_flags) {
  std::string text =
      absl::StrCat("usage: penstock ", CallOf(command), command.flags.empty() ? "" : " [FLAG...]",
                   "\n\n", command.summary, "\n");
  if (!command.flags.empty()) absl::StrAppend(&text, "\nflags:\n", FlagsText(command.flags));
  absl::StrAppend(&text, "\nflags of every command:\n", FlagsText(global_flags));
  if (!command.examples.empty()) {
    absl::StrAppend(&text, "\nexamples:\n  ", absl::StrJoin(command.examples, "\n  "), "\n");
  }
  return text;
}

}  // namespace penstock::cli
