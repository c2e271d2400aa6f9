#include "services/cli/local_tools.h"

#include <algorithm>
#include <fstream>
#include <sstream>
#include <utility>

#include <boost/json/parse.hpp>

#include "libs/base/status_macros.h"

#include "absl/strings/ascii.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"

namespace penstock::cli {
namespace {

constexpr absl::string_view kAnyObject = R"({"type":"object"})";

// NAME=REST of a flag.
absl::StatusOr<std::pair<std::string, std::string>> Named(absl::string_view flag,
                                                          const std::string& given,
                                                          absl::string_view rest) {
  std::pair<std::string, std::string> named = absl::StrSplit(given, absl::MaxSplits('=', 1));
  const bool is_name =
      !named.first.empty() && named.first.size() <= 64 &&
      std::all_of(named.first.begin(), named.first.end(), [](char c) {
        return absl::ascii_isalnum(static_cast<unsigned char>(c)) || c == '_' || c == '-';
      });
  if (is_name && !named.second.empty()) return named;
  return UsageError(absl::StrCat(flag, ": found '", given, "', expected NAME=", rest,
                                 " with a name of 1 to 64 letters, digits, _ or -"));
}

// The schema, and what it says of itself becomes what the model is told of the tool.
absl::Status ReadSchema(const std::string& file, chat::v1::Tool& tool) {
  std::ifstream in(file, std::ios::binary);
  std::ostringstream text;
  if (in) text << in.rdbuf();
  if (!in) return UsageError(absl::StrCat("--tool-schema: cannot read ", file));
  boost::json::error_code failed;
  const boost::json::value schema = boost::json::parse(text.str(), failed);
  if (failed || !schema.is_object()) {
    return UsageError(absl::StrCat("--tool-schema: ", file, ": expected a JSON object"));
  }
  tool.set_parameters(text.str());
  const boost::json::value* description = schema.get_object().if_contains("description");
  if (description != nullptr && description->is_string()) {
    tool.set_description(description->get_string().c_str());
  }
  return absl::OkStatus();
}

LocalTool* FindIn(std::vector<LocalTool>& tools, absl::string_view name) {
  const auto found = std::find_if(tools.begin(), tools.end(), [&](const LocalTool& tool) {
    return tool.declared.name() == name;
  });
  return found == tools.end() ? nullptr : &*found;
}

}  // namespace

const LocalTool* LocalTools::Find(absl::string_view name) const {
  for (const LocalTool& tool : tools) {
    if (tool.declared.name() == name) return &tool;
  }
  return nullptr;
}

std::vector<Flag> LocalToolFlags() {
  return {{"--tool", "NAME=COMMAND",
           "let the model call NAME: COMMAND is run by /bin/sh here, with the arguments (JSON) on "
           "its standard input; what it prints is the result, exit code 0 is success",
           true},
          {"--tool-schema", "NAME=FILE",
           "JSON Schema of the arguments of that tool; its \"description\" tells the model what "
           "the tool does",
           true},
          {"--tool-timeout", "D", "how long one run of a tool may take; default: 1m"},
          {"--yes", "", "run tools without asking"}};
}

absl::StatusOr<LocalTools> LocalToolsOf(const Arguments& arguments, bool can_ask) {
  LocalTools local;
  local.ask = !arguments.Has("--yes");
  PENSTOCK_ASSIGN_OR_RETURN(local.patience, arguments.Duration("--tool-timeout", absl::Minutes(1)));
  for (const std::string& given : arguments.Values("--tool")) {
    PENSTOCK_ASSIGN_OR_RETURN(const auto named, Named("--tool", given, "COMMAND"));
    if (FindIn(local.tools, named.first) != nullptr) {
      return UsageError(absl::StrCat("--tool: ", named.first, " is given twice"));
    }
    LocalTool& tool = local.tools.emplace_back();
    tool.command = named.second;
    tool.declared.set_name(named.first);
    tool.declared.set_parameters(std::string(kAnyObject));
  }
  for (const std::string& given : arguments.Values("--tool-schema")) {
    PENSTOCK_ASSIGN_OR_RETURN(const auto named, Named("--tool-schema", given, "FILE"));
    LocalTool* tool = FindIn(local.tools, named.first);
    if (tool == nullptr) {
      return UsageError(absl::StrCat("--tool-schema: no --tool ", named.first));
    }
    PENSTOCK_RETURN_IF_ERROR(ReadSchema(named.second, tool->declared));
  }
  if (!local.tools.empty() && local.ask && !can_ask) {
    return UsageError("--tool: nobody can be asked without a terminal; --yes runs tools unasked");
  }
  return local;
}

}  // namespace penstock::cli
