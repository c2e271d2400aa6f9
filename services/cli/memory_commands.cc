#include "services/cli/memory_commands.h"

#include <limits>

#include <grpcpp/channel.h>
#include <grpcpp/client_context.h>

#include "libs/base/clock.h"
#include "libs/base/ids.h"
#include "libs/base/proto_time.h"
#include "libs/base/status_macros.h"
#include "penstock/gateway/v1/memories.grpc.pb.h"
#include "services/cli/connection.h"
#include "services/cli/exit_code.h"
#include "services/cli/output.h"
#include "services/cli/pages.h"
#include "services/cli/turn_spec.h"
#include "services/cli/turn_text.h"
#include "services/cli/utf8.h"

#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"

namespace penstock::cli {
namespace {

using chat::v1::Memory;
using gateway::v1::Memories;

std::string MemorySheet(const Memory& memory) {
  return Sheet({{"name", memory.name()},
                {"text", memory.text()},
                {"from", memory.source_turn()},
                {"labels", LabelsText(memory.labels())},
                {"created", TimeText(memory.has_create_time(), memory.create_time())},
                {"expires", TimeText(memory.has_expire_time(), memory.expire_time())}});
}

// The whole text: what is remembered should be plain to see.
std::string MemoryLine(const Memory& memory) {
  return absl::StrCat(memory.name(), "  ", TimeText(memory.has_create_time(), memory.create_time()),
                      "  ", OneLine(memory.text(), std::numeric_limits<size_t>::max()), "\n");
}

template <class Request>
absl::StatusOr<int> CallMemories(const Arguments& arguments,
                                 grpc::Status (Memories::Stub::*method)(grpc::ClientContext*,
                                                                        const Request&, Memory*),
                                 const Request& request, Console& console) {
  PENSTOCK_ASSIGN_OR_RETURN(const bool json, WantsJson(arguments));
  PENSTOCK_ASSIGN_OR_RETURN(const Connection connection, Connection::Open(arguments));
  Memories::Stub stub(connection.channel());
  PENSTOCK_ASSIGN_OR_RETURN(const Memory memory, connection.Call(stub, method, request));
  console.Out(json ? JsonLine(memory) : MemorySheet(memory));
  return kExitOk;
}

absl::StatusOr<int> CreateMemory(const Arguments& arguments, Console& console) {
  gateway::v1::CreateMemoryRequest request;
  const std::string made = arguments.Has("--request-id") ? "" : NewId(SystemClock().Now());
  request.set_request_id(arguments.Value("--request-id", made));
  PENSTOCK_ASSIGN_OR_RETURN(const std::string text, TextOf(arguments.words[0]));
  if (!IsUtf8(text)) return UsageError("the text is not UTF-8");
  request.mutable_memory()->set_text(text);
  PENSTOCK_ASSIGN_OR_RETURN(const auto labels, LabelsOf(arguments));
  request.mutable_memory()->mutable_labels()->insert(labels.begin(), labels.end());
  PENSTOCK_ASSIGN_OR_RETURN(const absl::Duration ttl,
                            arguments.Duration("--ttl", absl::InfiniteDuration()));
  if (ttl != absl::InfiniteDuration()) {
    *request.mutable_memory()->mutable_expire_time() = ToProto(SystemClock().Now() + ttl);
  }
  return CallMemories(arguments, &Memories::Stub::CreateMemory, request, console);
}

absl::StatusOr<int> GetMemory(const Arguments& arguments, Console& console) {
  gateway::v1::GetMemoryRequest request;
  request.set_name(MemoryNameOf(arguments.words[0]));
  return CallMemories(arguments, &Memories::Stub::GetMemory, request, console);
}

absl::StatusOr<int> DeleteMemory(const Arguments& arguments, Console& console) {
  gateway::v1::DeleteMemoryRequest request;
  request.set_name(MemoryNameOf(arguments.words[0]));
  return CallMemories(arguments, &Memories::Stub::DeleteMemory, request, console);
}

absl::StatusOr<int> ListMemories(const Arguments& arguments, Console& console) {
  PENSTOCK_ASSIGN_OR_RETURN(const bool json, WantsJson(arguments));
  PENSTOCK_ASSIGN_OR_RETURN(const Connection connection, Connection::Open(arguments));
  Memories::Stub stub(connection.channel());
  PENSTOCK_RETURN_IF_ERROR(PrintPages(
      arguments, gateway::v1::ListMemoriesRequest(),
      [&](const auto& page) { return connection.Call(stub, &Memories::Stub::ListMemories, page); },
      [](const auto& response) -> const auto& { return response.memories(); },
      [&](const Memory& item) { return json ? JsonLine(item) : MemoryLine(item); }, console));
  return kExitOk;
}

absl::StatusOr<int> SearchMemories(const Arguments& arguments, Console& console) {
  gateway::v1::SearchMemoriesRequest request;
  request.set_query(arguments.words[0]);
  if (!IsUtf8(request.query())) return UsageError("the query is not UTF-8");
  PENSTOCK_ASSIGN_OR_RETURN(const int64_t limit, arguments.Integer("--limit", 15, 1, 100));
  request.set_limit(static_cast<int32_t>(limit));
  PENSTOCK_ASSIGN_OR_RETURN(const bool json, WantsJson(arguments));
  PENSTOCK_ASSIGN_OR_RETURN(const Connection connection, Connection::Open(arguments));
  Memories::Stub stub(connection.channel());
  PENSTOCK_ASSIGN_OR_RETURN(const auto found,
                            connection.Call(stub, &Memories::Stub::SearchMemories, request));
  for (const auto& hit : found.hits()) {
    console.Out(json ? JsonLine(hit)
                     : absl::StrFormat("%.3f  %s", hit.score(), MemoryLine(hit.memory())));
  }
  return kExitOk;
}

}  // namespace

std::vector<Command> MemoryCommands() {
  return {{"memory create",
           {"TEXT"},
           "remember something; TEXT - reads standard input",
           {LabelFlag(),
            {"--ttl", "D", "forget it after this time; default: keep it"},
            {"--request-id", "ID", "makes it safe to say it again; default: a new one"}},
           {"penstock memory create \"My boat is called Albatross.\""},
           CreateMemory},
          {"memory get",
           {"NAME"},
           "one memory",
           {},
           {"penstock memory get 0198c0de-0000-7000-8000-000000000000"},
           GetMemory},
          {"memory list",
           {},
           "memories, newest first",
           PageFlags(),
           {"penstock memory list --output json"},
           ListMemories},
          {"memory search",
           {"QUERY"},
           "memories as recall would find them, best first",
           {{"--limit", "N", "at most this many, up to 100; default: 15"}},
           {"penstock memory search \"name of the boat\""},
           SearchMemories},
          {"memory delete",
           {"NAME"},
           "forget one memory",
           {},
           {"penstock memory delete 0198c0de-0000-7000-8000-000000000000"},
           DeleteMemory}};
}

}  // namespace penstock::cli
