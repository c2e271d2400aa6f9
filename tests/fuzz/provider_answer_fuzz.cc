// Whatever a provider sends, in either protocol, streamed or whole, becomes valid UTF-8 text, tool
// calls that can be answered, usage and one end; what was told as deltas is what is kept.
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <map>
#include <set>
#include <string>

#include "libs/http/sse_parser.h"
#include "services/provider_adapter/answer.h"
#include "services/provider_adapter/anthropic/answer.h"
#include "services/provider_adapter/json_text.h"
#include "services/provider_adapter/openai/answer.h"

using penstock::chat::v1::Message;
using penstock::provider_adapter::Answer;
using penstock::provider_adapter::AnswerParser;
using penstock::provider_adapter::AnthropicAnswer;
using penstock::provider_adapter::FailureOf;
using penstock::provider_adapter::OfferedTools;
using penstock::provider_adapter::OpenAiAnswer;

namespace {

OfferedTools Tools() {
  penstock::provider::v1::GenerateRequest request;
  request.add_tools()->set_name("get_weather");
  request.add_tools()->set_name("get_time");
  return OfferedTools(request);
}

// Calls have unique ids, names that were offered, and arguments that were told piece by piece.
void CheckCalls(const Message& message, const std::map<int, std::string>& arguments) {
  std::set<std::string> ids;
  for (int i = 0; i < message.parts_size(); ++i) {
    if (!message.parts(i).has_tool_call()) continue;
    const auto& call = message.parts(i).tool_call();
    if (call.id().empty() || !ids.insert(call.id()).second || !Tools().Has(call.name())) {
      std::abort();
    }
    if (arguments.at(i) != call.arguments()) std::abort();
  }
}

// What goes back to the provider as it came is one JSON object.
void CheckState(const Message& message) {
  for (const auto& part : message.parts()) {
    const auto& state = part.has_opaque() ? part.opaque() : part.reasoning().state();
    if (state.protocol().empty()) continue;
    if (!penstock::provider_adapter::IsJsonObject(state.data())) std::abort();
  }
}

void Play(absl::string_view input, AnswerParser& parser, Answer& answer) {
  if (!input.empty() && input.front() == '{') {
    parser.OnDocument(input, answer);
    return;
  }
  penstock::http::SseParser sse;
  const absl::Status status = sse.Feed(input, [&](const penstock::http::SseEvent& event) {
    parser.OnEvent(event, answer);
    return !answer.ended();
  });
  if (!status.ok()) answer.OnUnusable(penstock::chat::v1::MALFORMED_RESPONSE, "too long");
}

void Check(absl::string_view input, AnswerParser& parser) {
  Answer answer("fuzz", {}, 1024, Tools());
  Play(input, parser, answer);
  answer.Close(FailureOf("fuzz", penstock::chat::v1::STREAM_TRUNCATED, "cut"));
  if (!answer.ended()) std::abort();
  std::map<int, std::string> arguments;
  for (const auto& piece : answer.TakeDue(absl::InfiniteDuration())) {
    if (piece.kind == penstock::chat::v1::Delta::TOOL_ARGUMENTS)
      arguments[piece.part] += piece.text;
  }
  const auto event = answer.TakeEnd(std::nullopt, "");
  // Invalid UTF-8 in a string field would not survive this.
  penstock::provider::v1::GenerateEvent copy;
  if (!copy.ParseFromString(event.SerializeAsString())) std::abort();
  if (copy.has_finished() == copy.has_failed()) std::abort();
  const bool calls = copy.finished().finish_reason() == penstock::chat::v1::TOOL_CALLS;
  CheckCalls(copy.finished().message(), arguments);
  CheckState(copy.finished().message());
  bool some = false;
  for (const auto& part : copy.finished().message().parts()) some = some || part.has_tool_call();
  if (some != calls) std::abort();
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  const absl::string_view input(reinterpret_cast<const char*>(data), size);
  OpenAiAnswer openai;
  Check(input, openai);
  AnthropicAnswer anthropic;
  Check(input, anthropic);
  return 0;
}
