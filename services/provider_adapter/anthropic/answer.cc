#include "services/provider_adapter/anthropic/answer.h"

#include <boost/json/value.hpp>

#include "services/provider_adapter/json_text.h"

#include "absl/strings/ascii.h"

namespace penstock::provider_adapter {
namespace {

using boost::json::value;
using chat::v1::Delta;

void Malformed(AnswerSink& sink, absl::string_view what) {
  sink.OnUnusable(chat::v1::MALFORMED_RESPONSE, what);
}

chat::v1::FinishReason FinishOf(absl::string_view reason) {
  if (reason == "max_tokens") return chat::v1::LENGTH;
  if (reason == "model_context_window_exceeded") return chat::v1::LENGTH;
  // The provider would go on if it were asked to, which only its own tools need.
  if (reason == "pause_turn") return chat::v1::LENGTH;
  if (reason == "tool_use") return chat::v1::TOOL_CALLS;
  if (reason == "refusal") return chat::v1::CONTENT_FILTER;
  // end_turn, stop_sequence, and what compatible servers may call it.
  return chat::v1::STOP;
}

}  // namespace

void AnthropicAnswer::OnEvent(const http::SseEvent& event, AnswerSink& sink) {
  const absl::string_view data = absl::StripAsciiWhitespace(event.data);
  // [DONE]: some compatible servers end with OpenAI's marker as well.
  if (data.empty() || data == "[DONE]") return;
  const bool parsed = WithJson(data, [&](const value& document) {
    if (!document.is_object()) return Malformed(sink, "an event of the stream is no JSON object");
    const absl::string_view type = StringMember(&document, "type");
    Read(type.empty() ? event.type : type, document, sink);
  });
  if (!parsed) Malformed(sink, "an event of the stream is not JSON");
}

void AnthropicAnswer::Read(absl::string_view type, const value& event, AnswerSink& sink) {
  if (type == "content_block_delta") return AppendToBlock(event, sink);
  if (type == "content_block_start") return BeginBlock(event, sink);
  if (type == "content_block_stop") return EndBlock(sink);
  if (type == "message_start") return ReadMessageStart(event, sink);
  if (type == "message_delta") return ReadMessageDelta(event, sink);
  if (type == "message_stop") return Finish(sink);
  if (type == "error") sink.OnError(ReadError(event).value_or(ProviderError{}));
}

void AnthropicAnswer::ReadMessageStart(const value& event, AnswerSink& sink) {
  const value* message = Member(&event, "message");
  if (message == nullptr) return Malformed(sink, "message_start has no message");
  const absl::string_view id = StringMember(message, "id");
  const bool another = begun_ && id != id_;
  const bool again = begun_ && !another;
  if (another && (told_ || (block_ && block_->told()))) {
    return Malformed(sink, "a second message begins inside the answer");
  }
  if (another) {
    block_.reset();
    index_ = -1;
    stop_reason_.clear();
  }
  begun_ = true;
  id_ = std::string(id);
  if (const value* usage = Member(message, "usage")) usage_.Read(*usage);
  sink.OnUsage(usage_.Input());
  if (again) return;
  ReadContent(*message, sink);
  ReadStop(*message);
}

void AnthropicAnswer::ReadContent(const value& message, AnswerSink& sink) {
  const value* content = Member(&message, "content");
  if (content == nullptr || !content->is_array()) return;
  for (const value& block : content->get_array()) {
    ++index_;
    block_.emplace(block, calls_, sink);
    EndBlock(sink);
  }
}

void AnthropicAnswer::ReadStop(const value& holder) {
  const absl::string_view reason = StringMember(&holder, "stop_reason");
  if (!reason.empty()) stop_reason_ = std::string(reason);
  const absl::string_view why = StringMember(Member(&holder, "stop_details"), "explanation");
  if (!why.empty()) explanation_ = std::string(why);
}

void AnthropicAnswer::BeginBlock(const value& event, AnswerSink& sink) {
  EndBlock(sink);
  const value* start = Member(&event, "content_block");
  if (start == nullptr || !start->is_object()) {
    return Malformed(sink, "content_block_start has no content_block");
  }
  const int64_t index = CountMember(&event, "index").value_or(index_ + 1);
  if (index <= index_) return Malformed(sink, "a content block begins twice");
  index_ = index;
  block_.emplace(*start, calls_, sink);
}

void AnthropicAnswer::AppendToBlock(const value& event, AnswerSink& sink) {
  const value* delta = Member(&event, "delta");
  if (delta == nullptr || !delta->is_object()) return;
  if (!block_ || CountMember(&event, "index").value_or(index_) != index_) {
    return Malformed(sink, "a piece of a content block that is not open");
  }
  block_->Append(*delta, sink);
}

void AnthropicAnswer::EndBlock(AnswerSink& sink) {
  if (!block_) return;
  block_->End(sink);
  told_ = told_ || block_->told();
  if (block_->is_call()) ++calls_;
  block_.reset();
}

void AnthropicAnswer::ReadMessageDelta(const value& event, AnswerSink& sink) {
  if (const value* usage = Member(&event, "usage")) usage_.Read(*usage);
  sink.OnUsage(usage_.All());
  if (const value* delta = Member(&event, "delta")) ReadStop(*delta);
}

void AnthropicAnswer::Finish(AnswerSink& sink) {
  EndBlock(sink);
  sink.OnUsage(usage_.All());
  if (stop_reason_ == "model_context_window_exceeded" && !told_) {
    return sink.OnUnusable(chat::v1::CONTEXT_WINDOW, "the context fills the model's window");
  }
  if (stop_reason_ == "refusal" && !told_ && !explanation_.empty()) {
    sink.OnText(Delta::REFUSAL, explanation_);
  }
  if (!stop_reason_.empty()) sink.OnFinish(FinishOf(stop_reason_));
  sink.OnEnd();
}

void AnthropicAnswer::OnDocument(absl::string_view json, AnswerSink& sink) {
  const bool parsed = WithJson(json, [&](const value& document) {
    if (const auto error = ReadError(document)) return sink.OnError(*error);
    const value* content = Member(&document, "content");
    if (content == nullptr || !content->is_array()) {
      return Malformed(sink, "the answer has no content");
    }
    if (const value* usage = Member(&document, "usage")) usage_.Read(*usage);
    ReadContent(document, sink);
    ReadStop(document);
    if (stop_reason_.empty()) return Malformed(sink, "the answer has no stop_reason");
    Finish(sink);
  });
  if (!parsed) Malformed(sink, "the answer is not JSON");
}

}  // namespace penstock::provider_adapter
