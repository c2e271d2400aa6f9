#include "services/cli/command_line.h"

#include <algorithm>

#include "libs/base/status_macros.h"
#include "libs/host/did_you_mean.h"
#include "libs/host/notation.h"

#include "absl/strings/cord.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"

namespace penstock::cli {
namespace {

constexpr absl::string_view kUsageMark = "penstock.cli/usage";

class Parser {
 public:
  Parser(const std::vector<std::string>& given, const std::vector<Command>& commands,
         const std::vector<Flag>& global_flags)
      : given_(given), commands_(commands), global_flags_(global_flags) {}

  absl::StatusOr<CommandLine> Parse() {
    for (next_ = 0; next_ < given_.size(); ++next_) PENSTOCK_RETURN_IF_ERROR(ParseOne());
    if (given_.empty()) line_.help = true;
    if (line_.help) return std::move(line_);
    if (line_.command == nullptr) return Unfinished();
    PENSTOCK_RETURN_IF_ERROR(CheckWords());
    return std::move(line_);
  }

 private:
  absl::Status ParseOne() {
    const std::string& argument = given_[next_];
    if (flags_ended_ || argument == "-" || !absl::StartsWith(argument, "-")) {
      return ParseWord(argument);
    }
    if (argument == "--") {
      flags_ended_ = true;
    } else if (argument == "--help" || argument == "-h") {
      line_.help = true;
    } else {
      return ParseFlag(argument);
    }
    return absl::OkStatus();
  }

  absl::Status ParseWord(const std::string& word) {
    if (line_.command != nullptr) {
      line_.arguments.words.push_back(word);
      return absl::OkStatus();
    }
    absl::StrAppend(&path_, path_.empty() ? "" : " ", word);
    bool begins_one = false;
    for (const Command& command : commands_) {
      if (command.name == path_) line_.command = &command;
      begins_one = begins_one || absl::StartsWith(command.name, path_ + " ");
    }
    if (line_.command != nullptr || begins_one) return absl::OkStatus();
    return UnknownCommand();
  }

  absl::Status ParseFlag(const std::string& argument) {
    const size_t equals = argument.find('=');
    const std::string name = argument.substr(0, equals);
    const Flag* flag = Find(name);
    if (flag == nullptr) return UnknownFlag(name);
    auto& values = line_.arguments.flags[name];
    if (flag->value.empty()) {
      if (equals != std::string::npos) return UsageError(absl::StrCat(name, " takes no value"));
      values.emplace_back();
    } else if (equals != std::string::npos) {
      values.push_back(argument.substr(equals + 1));
    } else if (next_ + 1 < given_.size()) {
      values.push_back(given_[++next_]);
    } else {
      return UsageError(absl::StrCat(name, " needs a value: ", name, " ", flag->value));
    }
    return absl::OkStatus();
  }

  const Flag* Find(absl::string_view name) const {
    for (const auto* flags : KnownFlags()) {
      for (const Flag& flag : *flags) {
        if (flag.name == name) return &flag;
      }
    }
    return nullptr;
  }

  std::vector<const std::vector<Flag>*> KnownFlags() const {
    if (line_.command == nullptr) return {&global_flags_};
    return {&line_.command->flags, &global_flags_};
  }

  absl::Status UnknownFlag(absl::string_view name) const {
    std::vector<std::string> known = {"--help"};
    for (const auto* flags : KnownFlags()) {
      for (const Flag& flag : *flags) known.push_back(flag.name);
    }
    const std::string where =
        line_.command == nullptr ? "before the command" : absl::StrCat("of ", line_.command->name);
    return UsageError(
        absl::StrCat("unknown flag ", name, " ", where, host::DidYouMean(name, known)));
  }

  // Of "turn gte" the nearest is "turn get"; of "trun" the group "turn".
  absl::Status UnknownCommand() const {
    const bool in_group = absl::StrContains(path_, " ");
    const std::string group = path_.substr(0, path_.find(' ') + 1);
    std::vector<std::string> known;
    for (const Command& command : commands_) {
      if (in_group && !absl::StartsWith(command.name, group)) continue;
      std::string name = in_group ? command.name : command.name.substr(0, command.name.find(' '));
      if (known.empty() || known.back() != name) known.push_back(std::move(name));
    }
    return UsageError(absl::StrCat("unknown command ", path_, host::DidYouMean(path_, known)));
  }

  absl::Status Unfinished() const {
    if (path_.empty()) return UsageError("no command given");
    std::vector<std::string> known;
    for (const Command& command : commands_) {
      if (absl::StartsWith(command.name, path_ + " ")) known.push_back(command.name);
    }
    return UsageError(
        absl::StrCat("command ", path_, " is not complete; expected ", absl::StrJoin(known, ", ")));
  }

  absl::Status CheckWords() const {
    const Command& command = *line_.command;
    const size_t found = line_.arguments.words.size();
    const auto required = static_cast<size_t>(
        std::count_if(command.words.begin(), command.words.end(),
                      [](const std::string& word) { return !absl::StartsWith(word, "["); }));
    if (found < required) {
      return UsageError(absl::StrCat(command.name, ": ", command.words[found], " is missing"));
    }
    if (found <= command.words.size() || absl::EndsWith(Last(command), "...]")) {
      return absl::OkStatus();
    }
    return UsageError(absl::StrCat(command.name, ": unexpected '",
                                   line_.arguments.words[command.words.size()],
                                   "'; a text of several words stands in quotes"));
  }

  static absl::string_view Last(const Command& command) {
    return command.words.empty() ? absl::string_view() : command.words.back();
  }

  const std::vector<std::string>& given_;
  const std::vector<Command>& commands_;
  const std::vector<Flag>& global_flags_;
  CommandLine line_;
  // The words of the command so far.
  std::string path_;
  bool flags_ended_ = false;
  size_t next_ = 0;
};

void AddVariables(const std::vector<Flag>& flags, const Variables& variables,
                  Arguments& arguments) {
  for (const Flag& flag : flags) {
    if (flag.variable.empty() || arguments.Has(flag.name)) continue;
    const std::optional<std::string> value = variables(flag.variable);
    if (value && !value->empty()) arguments.flags[flag.name] = {*value};
  }
}

}  // namespace

bool Arguments::Has(absl::string_view flag) const { return !Values(flag).empty(); }

std::string Arguments::Value(absl::string_view flag, absl::string_view fallback) const {
  const std::vector<std::string>& values = Values(flag);
  return values.empty() ? std::string(fallback) : values.back();
}

const std::vector<std::string>& Arguments::Values(absl::string_view flag) const {
  static const std::vector<std::string> none;
  const auto found = flags.find(flag);
  return found == flags.end() ? none : found->second;
}

absl::StatusOr<int64_t> Arguments::Integer(absl::string_view flag, int64_t fallback, int64_t min,
                                           int64_t max) const {
  if (!Has(flag)) return fallback;
  const std::optional<int64_t> value = host::ParseInteger(Value(flag));
  if (value && *value >= min && *value <= max) return *value;
  return UsageError(
      absl::StrCat(flag, ": found '", Value(flag), "', expected a number from ", min, " to ", max));
}

absl::StatusOr<absl::Duration> Arguments::Duration(absl::string_view flag,
                                                   absl::Duration fallback) const {
  if (!Has(flag)) return fallback;
  const std::optional<absl::Duration> value = host::ParseDuration(Value(flag));
  if (value && *value > absl::ZeroDuration()) return *value;
  return UsageError(absl::StrCat(flag, ": found '", Value(flag),
                                 "', expected a duration such as 500ms, 30s or 1h"));
}

absl::StatusOr<std::string> Arguments::Choice(absl::string_view flag,
                                              const std::vector<std::string>& allowed) const {
  std::string value = Value(flag, allowed.front());
  if (std::find(allowed.begin(), allowed.end(), value) != allowed.end()) return value;
  return UsageError(
      absl::StrCat(flag, ": found '", value, "', expected ", absl::StrJoin(allowed, " or ")));
}

absl::StatusOr<CommandLine> ParseCommandLine(const std::vector<std::string>& given,
                                             const std::vector<Command>& commands,
                                             const std::vector<Flag>& global_flags,
                                             const Variables& variables) {
  PENSTOCK_ASSIGN_OR_RETURN(CommandLine line, Parser(given, commands, global_flags).Parse());
  AddVariables(global_flags, variables, line.arguments);
  if (line.command != nullptr) AddVariables(line.command->flags, variables, line.arguments);
  return line;
}

absl::Status UsageError(absl::string_view message) {
  absl::Status status = absl::InvalidArgumentError(message);
  status.SetPayload(kUsageMark, absl::Cord());
  return status;
}

bool IsUsageError(const absl::Status& status) { return status.GetPayload(kUsageMark).has_value(); }

}  // namespace penstock::cli
