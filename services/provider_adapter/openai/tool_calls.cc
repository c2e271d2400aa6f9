#include "services/provider_adapter/openai/tool_calls.h"

#include <boost/json/serialize.hpp>
#include <boost/json/value.hpp>

#include "services/provider_adapter/json_text.h"

#include "absl/strings/string_view.h"

namespace penstock::provider_adapter {
namespace {

using boost::json::value;

void Malformed(AnswerSink& sink, absl::string_view what) {
  sink.OnUnusable(chat::v1::MALFORMED_RESPONSE, what);
}

}  // namespace

void OpenAiToolCalls::Read(const value& calls, AnswerSink& sink) {
  if (calls.is_null()) return;
  const boost::json::array* pieces = calls.if_array();
  if (pieces == nullptr) return Malformed(sink, "tool_calls is no array");
  for (const value& piece : *pieces) ReadPiece(piece, sink);
}

void OpenAiToolCalls::ReadPiece(const value& piece, AnswerSink& sink) {
  const value* function = Member(&piece, "function");
  if (function == nullptr || !function->is_object()) {
    return Malformed(sink, "a tool call has no function");
  }
  const absl::string_view id = StringMember(&piece, "id");
  const absl::string_view name = StringMember(function, "name");
  const std::optional<int64_t> index = CountMember(&piece, "index");
  std::optional<size_t> call = Find(index, id, name);
  if (!call) {
    if (name.empty()) return Malformed(sink, "a tool call has no name");
    call = calls_.size();
    calls_.push_back({.index = index, .id = std::string(id)});
    sink.OnToolCall(id, name);
  }
  const value* arguments = Member(function, "arguments");
  if (arguments == nullptr || arguments->is_null()) return;
  if (const boost::json::string* text = arguments->if_string()) {
    sink.OnToolArguments(*call, {text->data(), text->size()});
  } else if (arguments->is_object()) {
    sink.OnToolArguments(*call, boost::json::serialize(*arguments));
  } else {
    Malformed(sink, "the arguments of a tool call are neither a string nor an object");
  }
}

std::optional<size_t> OpenAiToolCalls::Find(std::optional<int64_t> index, absl::string_view id,
                                            absl::string_view name) const {
  for (size_t i = calls_.size(); i-- > 0;) {
    const Call& call = calls_[i];
    if (index != call.index) continue;
    // Pieces without an index go on with the newest call until another one is named.
    const bool another = index ? !id.empty() && id != call.id : id.empty() || id != call.id;
    return another && !name.empty() ? std::nullopt : std::optional(i);
  }
  return std::nullopt;
}

}  // namespace penstock::provider_adapter
