// Reads an answer of OpenAI Chat Completions, streamed or whole.
#pragma once

#include <boost/json/fwd.hpp>

#include "services/provider_adapter/openai/tool_calls.h"
#include "services/provider_adapter/provider.h"

namespace penstock::provider_adapter {

// Tolerates what compatible servers do differently (reference/providers.md 1.7, parser rules):
// unknown fields, no usage, empty choices and deltas, null content, `reasoning` or
// `reasoning_content`, errors in the stream, "stop" after tool calls. Only choice 0 is read.
class OpenAiAnswer : public AnswerParser {
 public:
  void OnEvent(const http::SseEvent& event, AnswerSink& sink) override;
  void OnDocument(absl::string_view json, AnswerSink& sink) override;

 private:
  // `content` is "delta" in a stream and "message" in a whole answer.
  void Read(const boost::json::value& document, absl::string_view content, AnswerSink& sink);
  void ReadChoice(const boost::json::value& choice, absl::string_view content, AnswerSink& sink);
  void ReadContent(const boost::json::value& content, AnswerSink& sink);
  void ReadFinish(absl::string_view reason, AnswerSink& sink);

  OpenAiToolCalls tool_calls_;
  bool finished_ = false;
};

}  // namespace penstock::provider_adapter
