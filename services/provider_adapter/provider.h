// A wire protocol: how a request is written for a kind of provider and how its answer is read.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "libs/http/sse_parser.h"
#include "penstock/chat/v1/message.pb.h"
#include "penstock/chat/v1/turn.pb.h"
#include "penstock/provider/v1/provider_adapter.pb.h"
#include "services/provider_adapter/error_kind.h"
#include "services/provider_adapter/model_terms.h"

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"

namespace penstock::provider_adapter {

// What Provider.protocol and Opaque.protocol call them.
inline constexpr absl::string_view kOpenAi = "openai";
inline constexpr absl::string_view kAnthropic = "anthropic";

// What a parser finds in an answer, in the provider's order.
class AnswerSink {
 public:
  virtual ~AnswerSink() = default;

  // May cut characters.
  virtual void OnText(chat::v1::Delta::Kind kind, absl::string_view text) = 0;
  // The model begins to call a tool: call 0, 1, 2 ... of the answer. Without an id, or with one
  // that is not unique, a new one is made.
  virtual void OnToolCall(absl::string_view id, absl::string_view name) = 0;
  // A piece of the JSON of that call's arguments; may cut characters. Calls may take turns.
  virtual void OnToolArguments(size_t call, absl::string_view json) = 0;
  // The piece of reasoning that was told last is whole, and the provider wants `state` back with
  // it: later reasoning is another part. Without any before it, it is a part without text.
  virtual void OnReasoningState(chat::v1::Opaque state) = 0;
  // A part that we cannot read.
  virtual void OnOpaque(chat::v1::Opaque opaque) = 0;
  // Bytes that came in for the next of these two: they count in the answer's bound already.
  virtual void OnHeld(size_t bytes) = 0;
  // Cumulative; fields that are set replace earlier ones.
  virtual void OnUsage(const chat::v1::Usage& usage) = 0;
  // The model has finished; STOP where it has called tools means TOOL_CALLS. Usage may still
  // follow.
  virtual void OnFinish(chat::v1::FinishReason reason) = 0;
  // The answer's own end marker; nothing follows.
  virtual void OnEnd() = 0;
  // The provider reports an error inside the answer; nothing follows.
  virtual void OnError(const ProviderError& error) = 0;
  // The answer cannot be used; nothing follows.
  virtual void OnUnusable(chat::v1::ErrorKind kind, absl::string_view what) = 0;
};

// Reads one answer. Not thread-safe.
class AnswerParser {
 public:
  virtual ~AnswerParser() = default;

  // One event of a stream.
  virtual void OnEvent(const http::SseEvent& event, AnswerSink& sink) = 0;
  // A whole answer in one JSON document, from servers that do not stream; ends with OnEnd.
  virtual void OnDocument(absl::string_view json, AnswerSink& sink) = 0;
};

// Stateless, thread-safe.
class Protocol {
 public:
  virtual ~Protocol() = default;

  virtual std::string Url(absl::string_view base_url) const = 0;
  // "Name: value" lines of every request; `api_key` may be empty.
  virtual std::vector<std::string> Headers(absl::string_view api_key) const = 0;
  // INVALID_ARGUMENT, with the field, when the request cannot be said in this protocol, or the
  // model refuses what cannot be left out. Parameters that are not set are not sent.
  virtual absl::StatusOr<std::string> Body(absl::string_view wire_model, const ModelTerms& terms,
                                           const provider::v1::GenerateRequest& request) const = 0;
  virtual std::unique_ptr<AnswerParser> NewParser() const = 0;
};

}  // namespace penstock::provider_adapter
