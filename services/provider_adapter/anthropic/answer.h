// Reads an answer of Anthropic Messages, streamed or whole.
#pragma once

#include <cstdint>
#include <optional>
#include <string>

#include <boost/json/fwd.hpp>

#include "services/provider_adapter/anthropic/content_block.h"
#include "services/provider_adapter/anthropic/usage.h"
#include "services/provider_adapter/provider.h"

#include "absl/strings/string_view.h"

namespace penstock::provider_adapter {

// By reference/providers.md 1.4, with its oddities: a message that begins twice, a second message
// in the place of one that said nothing, content that stands in message_start, a refusal without
// any block. A second message behind one that has said something cannot be used: what was told
// stands. Only message_stop ends a stream. Events and members that are unknown are passed over.
class AnthropicAnswer : public AnswerParser {
 public:
  void OnEvent(const http::SseEvent& event, AnswerSink& sink) override;
  void OnDocument(absl::string_view json, AnswerSink& sink) override;

 private:
  void Read(absl::string_view type, const boost::json::value& event, AnswerSink& sink);
  void ReadMessageStart(const boost::json::value& event, AnswerSink& sink);
  void ReadMessageDelta(const boost::json::value& event, AnswerSink& sink);
  // `content`, whole.
  void ReadContent(const boost::json::value& message, AnswerSink& sink);
  void ReadStop(const boost::json::value& holder);
  void BeginBlock(const boost::json::value& event, AnswerSink& sink);
  void AppendToBlock(const boost::json::value& event, AnswerSink& sink);
  void EndBlock(AnswerSink& sink);
  void Finish(AnswerSink& sink);

  bool begun_ = false;
  std::string id_;
  AnthropicUsage usage_;
  std::optional<ContentBlock> block_;
  // Of the block that is open, or was the last one.
  int64_t index_ = -1;
  size_t calls_ = 0;
  // The sink was told something.
  bool told_ = false;
  std::string stop_reason_;
  // Why the provider refused; empty when it did not say.
  std::string explanation_;
};

}  // namespace penstock::provider_adapter
