// The command line: which commands and flags there are, and what was given.
#pragma once

#include <functional>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "absl/time/time.h"

namespace penstock::cli {

class Console;

struct Flag {
  // With its dashes: "--session".
  std::string name;
  // What its value is called in the help; empty for a switch, which takes none.
  std::string value;
  std::string meaning;
  // May be given more than once; elsewhere the last one counts.
  bool repeated = false;
  // The environment variable that stands in when the flag is absent.
  std::string variable = "";
};

// What was given to one command.
class Arguments {
 public:
  bool Has(absl::string_view flag) const;
  // The last value, or `fallback`.
  std::string Value(absl::string_view flag, absl::string_view fallback = "") const;
  const std::vector<std::string>& Values(absl::string_view flag) const;
  // A usage error names the flag, what was found and what is allowed.
  absl::StatusOr<int64_t> Integer(absl::string_view flag, int64_t fallback, int64_t min,
                                  int64_t max) const;
  absl::StatusOr<absl::Duration> Duration(absl::string_view flag, absl::Duration fallback) const;
  // One of `allowed`; absent: the first.
  absl::StatusOr<std::string> Choice(absl::string_view flag,
                                     const std::vector<std::string>& allowed) const;

  // What stands after the command and is no flag.
  std::vector<std::string> words;
  std::map<std::string, std::vector<std::string>, std::less<>> flags;
};

struct Command {
  // "turn get".
  std::string name;
  // What may follow: "NAME", "[TEXT]".
  std::vector<std::string> words;
  std::string summary;
  std::vector<Flag> flags;
  std::vector<std::string> examples;
  // Answers the exit code. An error is printed, and exits with 1, or with 2 if it is a usage error.
  std::function<absl::StatusOr<int>(const Arguments&, Console&)> run;
};

struct CommandLine {
  const Command* command = nullptr;
  Arguments arguments;
  // --help or -h stood somewhere, or nothing at all was given.
  bool help = false;
};

using Variables = std::function<std::optional<std::string>(const std::string& name)>;

// Reads what stands after the program's name. Flags may stand before and after the command's words;
// "--" ends them. Usage errors name the nearest command or flag.
absl::StatusOr<CommandLine> ParseCommandLine(const std::vector<std::string>& given,
                                             const std::vector<Command>& commands,
                                             const std::vector<Flag>& global_flags,
                                             const Variables& variables);

// An error of who typed the command: it ends with exit code 2.
absl::Status UsageError(absl::string_view message);
bool IsUsageError(const absl::Status& status);

}  // namespace penstock::cli
