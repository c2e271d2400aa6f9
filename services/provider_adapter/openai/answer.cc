#include "services/provider_adapter/openai/answer.h"

#include <boost/json/value.hpp>

#include "services/provider_adapter/json_text.h"

#include "absl/strings/ascii.h"
#include "absl/strings/str_cat.h"

namespace penstock::provider_adapter {
namespace {

using boost::json::value;
using chat::v1::Delta;

chat::v1::Usage ReadUsage(const value& usage) {
  chat::v1::Usage result;
  if (auto count = CountMember(&usage, "prompt_tokens")) result.set_input_tokens(*count);
  if (auto count = CountMember(&usage, "completion_tokens")) result.set_output_tokens(*count);
  const value* input = Member(&usage, "prompt_tokens_details");
  if (auto count = CountMember(input, "cached_tokens")) result.set_cache_read_input_tokens(*count);
  if (auto count = CountMember(input, "cache_write_tokens")) {
    result.set_cache_write_input_tokens(*count);
  }
  const value* output = Member(&usage, "completion_tokens_details");
  if (auto count = CountMember(output, "reasoning_tokens")) {
    result.set_reasoning_output_tokens(*count);
  }
  return result;
}

}  // namespace

void OpenAiAnswer::OnEvent(const http::SseEvent& event, AnswerSink& sink) {
  const absl::string_view data = absl::StripAsciiWhitespace(event.data);
  if (data == "[DONE]") return sink.OnEnd();
  if (data.empty()) return;
  if (event.type == "error") return sink.OnError(ReadErrorBody(data));
  if (!WithJson(data, [&](const value& document) { Read(document, "delta", sink); })) {
    sink.OnUnusable(chat::v1::MALFORMED_RESPONSE, "an event of the stream is not JSON");
  }
}

void OpenAiAnswer::OnDocument(absl::string_view json, AnswerSink& sink) {
  const bool parsed = WithJson(json, [&](const value& document) {
    Read(document, "message", sink);
    if (!finished_) {
      sink.OnUnusable(chat::v1::MALFORMED_RESPONSE, "the answer has no finished choice");
    }
  });
  if (!parsed) return sink.OnUnusable(chat::v1::MALFORMED_RESPONSE, "the answer is not JSON");
  sink.OnEnd();
}

void OpenAiAnswer::Read(const value& document, absl::string_view content, AnswerSink& sink) {
  if (!document.is_object()) {
    return sink.OnUnusable(chat::v1::MALFORMED_RESPONSE, "a part of the answer is no JSON object");
  }
  if (const auto error = ReadError(document)) {
    finished_ = true;
    return sink.OnError(*error);
  }
  if (const value* usage = Member(&document, "usage"); usage != nullptr && usage->is_object()) {
    sink.OnUsage(ReadUsage(*usage));
  }
  const value* choices = Member(&document, "choices");
  if (choices == nullptr || !choices->is_array()) return;
  for (const value& choice : choices->get_array()) {
    if (CountMember(&choice, "index").value_or(0) == 0) ReadChoice(choice, content, sink);
  }
}

void OpenAiAnswer::ReadChoice(const value& choice, absl::string_view content, AnswerSink& sink) {
  if (const value* part = Member(&choice, content)) ReadContent(*part, sink);
  const absl::string_view reason = StringMember(&choice, "finish_reason");
  if (!reason.empty()) ReadFinish(reason, sink);
}

void OpenAiAnswer::ReadContent(const value& content, AnswerSink& sink) {
  absl::string_view reasoning = StringMember(&content, "reasoning");
  if (reasoning.empty()) reasoning = StringMember(&content, "reasoning_content");
  if (!reasoning.empty()) sink.OnText(Delta::REASONING, reasoning);
  const absl::string_view text = StringMember(&content, "content");
  if (!text.empty()) sink.OnText(Delta::TEXT, text);
  const absl::string_view refusal = StringMember(&content, "refusal");
  if (!refusal.empty()) sink.OnText(Delta::REFUSAL, refusal);
  if (const value* calls = Member(&content, "tool_calls")) tool_calls_.Read(*calls, sink);
}

void OpenAiAnswer::ReadFinish(absl::string_view reason, AnswerSink& sink) {
  finished_ = true;
  if (reason == "error" || reason == "abort") {
    return sink.OnUnusable(chat::v1::PROVIDER_INTERNAL,
                           absl::StrCat("the model stopped with finish_reason ", reason));
  }
  if (reason == "length" || reason == "max_tokens") return sink.OnFinish(chat::v1::LENGTH);
  if (reason == "tool_calls" || reason == "function_call") {
    return sink.OnFinish(chat::v1::TOOL_CALLS);
  }
  if (reason == "content_filter") return sink.OnFinish(chat::v1::CONTENT_FILTER);
  // "stop", and what compatible servers call it: eos, eos_token, stop_sequence.
  sink.OnFinish(chat::v1::STOP);
}

}  // namespace penstock::provider_adapter
