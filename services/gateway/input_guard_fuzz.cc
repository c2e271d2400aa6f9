// Any request ends in a refusal that names a field and is small, or is what the guard promises.
// Input: the name of a request ("StreamTurnRequest"), a line feed, text format; and all of it as
// the file of an image.
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <string>

#include <google/protobuf/io/tokenizer.h>
#include <google/protobuf/text_format.h>

#include "libs/base/refusal.h"
#include "services/gateway/input_guard.h"

#include "absl/strings/match.h"
#include "absl/strings/string_view.h"

namespace penstock::gateway {
namespace {

constexpr size_t kMaxStatusBytes = 4096;

void Require(bool holds) {
  if (!holds) std::abort();
}

class Silent final : public google::protobuf::io::ErrorCollector {
 public:
  void AddError(int, google::protobuf::io::ColumnNumber, const std::string&) override {}
};

const InputGuard& Guard() {
  static const InputGuard* const guard = [] {
    auto* config = new config::v1::Config;
    config->add_agents()->set_id("default");
    config::v1::Turns& turn = *config->mutable_turn();
    turn.set_max_input_bytes(1000);
    turn.set_max_input_parts(8);
    turn.set_max_instructions_bytes(100);
    turn.set_max_tools(4);
    turn.set_max_tool_schema_bytes(200);
    turn.set_max_tool_result_bytes(100);
    config->mutable_recall()->set_max_memory_bytes(100);
    return new InputGuard(*config);
  }();
  return *guard;
}

// Of a turn that was let through, what the services behind rely on.
void CheckTurn(const chat::v1::TurnSpec& turn) {
  size_t text = 0;
  for (const chat::v1::Part& part : turn.input()) {
    Require(part.has_text() || part.has_image());
    text += part.text().text().size();
    const chat::v1::Image& image = part.image();
    if (image.has_url()) {
      Require(absl::StartsWith(image.url(), "https://") && image.url().size() <= 2048);
    }
    Require(!part.has_image() || image.has_url() || image.data().size() >= 3);
  }
  Require(text > 0 && text <= 1000 && turn.input_size() <= 8 && turn.labels_size() <= 16);
  const chat::v1::GenerationConfig& generation = turn.overrides().generation();
  Require(generation.temperature() >= 0 && generation.temperature() <= 2);
  Require(generation.stop_size() <= 4 && turn.overrides().tools_size() <= 4);
  for (const std::string& stop : generation.stop()) Require(!stop.empty());
}

template <class Request>
void CheckRequest(const Request& request) {
  const absl::Status status = Guard().Check(request);
  if constexpr (requires { request.turn(); }) {
    if (status.ok()) CheckTurn(request.turn());
  }
  if (status.ok()) return;
  const std::string reason = ReasonOf(status);
  const bool field = reason == "FIELD_INVALID" || reason == "TOO_LARGE";
  Require(reason == "AGENT_NOT_FOUND" || (field && !MetadataOf(status, "field").empty()));
  Require(ToRpcStatus(status).ByteSizeLong() <= kMaxStatusBytes);
}

template <class Request>
void Check(absl::string_view name, const std::string& text) {
  if (name != absl::string_view(Request::descriptor()->name())) return;
  Request request;
  google::protobuf::TextFormat::Parser parser;
  Silent silent;
  parser.RecordErrorsTo(&silent);
  if (parser.ParseFromString(text, &request)) CheckRequest(request);
}

void CheckImage(absl::string_view file) {
  v1::RunTurnRequest request;
  request.mutable_turn()->add_input()->mutable_text()->set_text("x");
  chat::v1::Image& image = *request.mutable_turn()->add_input()->mutable_image();
  image.set_media_type("image/webp");
  image.set_data(std::string(file));
  CheckRequest(request);
}

template <class... Requests>
void CheckOneOf(absl::string_view name, const std::string& text) {
  (Check<Requests>(name, text), ...);
}

}  // namespace
}  // namespace penstock::gateway

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  using namespace penstock::gateway;
  const absl::string_view input(reinterpret_cast<const char*>(data), size);
  CheckImage(input);
  const size_t end = input.find('\n');
  if (end == absl::string_view::npos) return 0;
  CheckOneOf<v1::StreamTurnRequest, v1::RunTurnRequest, v1::SubmitTurnRequest, v1::WatchTurnRequest,
             v1::CancelTurnRequest, v1::SubmitToolResultsRequest, v1::GetTurnRequest,
             v1::ListTurnsRequest, v1::CreateSessionRequest, v1::GetSessionRequest,
             v1::ListSessionsRequest, v1::UpdateSessionRequest, v1::DeleteSessionRequest,
             v1::CreateMemoryRequest, v1::GetMemoryRequest, v1::ListMemoriesRequest,
             v1::SearchMemoriesRequest, v1::DeleteMemoryRequest>(
      input.substr(0, end), std::string(input.substr(end + 1)));
  return 0;
}
