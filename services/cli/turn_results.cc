#include "services/cli/turn_results.h"

#include <fstream>
#include <sstream>
#include <utility>

#include <grpcpp/channel.h>
#include <grpcpp/client_context.h>

#include "libs/base/clock.h"
#include "libs/base/ids.h"
#include "libs/base/status_macros.h"
#include "penstock/gateway/v1/turns.grpc.pb.h"
#include "services/cli/connection.h"
#include "services/cli/console.h"
#include "services/cli/exit_code.h"
#include "services/cli/output.h"
#include "services/cli/turn_sheet.h"
#include "services/cli/turn_spec.h"
#include "services/cli/utf8.h"

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"

namespace penstock::cli {
namespace {

using gateway::v1::SubmitToolResultsRequest;
using gateway::v1::Turns;

// "ID=REST" as a result with the id; REST is its content.
absl::Status Add(absl::string_view where, const std::string& given, bool failed,
                 SubmitToolResultsRequest& request) {
  const std::pair<std::string, std::string> pair = absl::StrSplit(given, absl::MaxSplits('=', 1));
  if (pair.first.empty() || !absl::StrContains(given, "=")) {
    return UsageError(absl::StrCat(where, ": found '", given, "', expected ID=TEXT"));
  }
  if (!IsUtf8(pair.second)) return UsageError(absl::StrCat(where, ": the text is not UTF-8"));
  chat::v1::ToolResult& result = *request.add_results();
  result.set_tool_call_id(pair.first);
  result.set_content(pair.second);
  result.set_is_error(failed);
  return absl::OkStatus();
}

absl::Status AddFile(const std::string& given, SubmitToolResultsRequest& request) {
  const std::pair<std::string, std::string> pair = absl::StrSplit(given, absl::MaxSplits('=', 1));
  std::ifstream file(pair.second, std::ios::binary);
  std::ostringstream text;
  if (file) text << file.rdbuf();
  if (!file) {
    return UsageError(absl::StrCat("--file: found '", given, "', expected ID=FILE to be read"));
  }
  return Add("--file", absl::StrCat(pair.first, "=", text.str()), false, request);
}

absl::StatusOr<SubmitToolResultsRequest> ResultsOf(const Arguments& arguments) {
  SubmitToolResultsRequest request;
  request.set_name(TurnNameOf(arguments.words[0]));
  const std::string made = arguments.Has("--request-id") ? "" : NewId(SystemClock().Now());
  request.set_request_id(arguments.Value("--request-id", made));
  for (size_t i = 1; i < arguments.words.size(); ++i) {
    PENSTOCK_RETURN_IF_ERROR(Add("turn results", arguments.words[i], false, request));
  }
  for (const std::string& given : arguments.Values("--file")) {
    PENSTOCK_RETURN_IF_ERROR(AddFile(given, request));
  }
  for (const std::string& given : arguments.Values("--error")) {
    PENSTOCK_RETURN_IF_ERROR(Add("--error", given, true, request));
  }
  if (request.results().empty()) {
    return UsageError("turn results: no result given; expected ID=TEXT, --file or --error");
  }
  return request;
}

absl::StatusOr<int> SubmitResults(const Arguments& arguments, Console& console) {
  PENSTOCK_ASSIGN_OR_RETURN(const bool json, WantsJson(arguments));
  PENSTOCK_ASSIGN_OR_RETURN(const auto request, ResultsOf(arguments));
  PENSTOCK_ASSIGN_OR_RETURN(const Connection connection, Connection::Open(arguments));
  Turns::Stub stub(connection.channel());
  PENSTOCK_ASSIGN_OR_RETURN(const chat::v1::Turn turn,
                            connection.Call(stub, &Turns::Stub::SubmitToolResults, request));
  console.Out(json ? JsonLine(turn) : TurnSheet(turn));
  return kExitOk;
}

}  // namespace

Command TurnResultsCommand() {
  return {"turn results",
          {"NAME", "[ID=TEXT...]"},
          "answer the tool calls that a turn waits for, all at once; ID is the call's",
          {{"--file", "ID=FILE", "the result is what stands in the file", true},
           {"--error", "ID=TEXT", "the tool failed; TEXT says how", true},
           {"--request-id", "ID", "makes it safe to say it again; default: a new one"}},
          {"penstock turn results boat/0198c0de-0000-7000-8000-000000000000 call_1=\"7 knots\""},
          SubmitResults};
}

}  // namespace penstock::cli
