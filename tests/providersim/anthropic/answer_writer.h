// The bytes of a message: SSE events from message_start to message_stop, or one object.
#pragma once

#include <string>

#include "tests/providersim/answer_writer.h"

namespace penstock::providersim::anthropic {

// Blocks stand in the order thinking, redacted_thinking, text, tool_use of each call.
class MessageWriter : public AnswerWriter {
 public:
  // `id` is the message's: "msg_...".
  MessageWriter(const Reply& reply, std::string id);

  // message_start, ping.
  void Begin(std::string& out) override;
  void Thought(std::string& out, absl::string_view text) override;
  void Text(std::string& out, absl::string_view text) override;
  void Call(std::string& out, const CallPiece& piece) override;
  // message_delta, message_stop.
  void Finish(std::string& out, int sent_tokens) override;
  void EndMarker(std::string& out) const override;
  // An event `error`.
  void Error(std::string& out, const ApiError& error) const override;
  void MalformedJson(std::string& out) const override;
  void MalformedShape(std::string& out) const override;
  // A ping.
  void LongLine(std::string& out, int64_t bytes) const override;
  std::string Whole() const override;

 private:
  enum class Block { kNone, kThinking, kText, kCall };

  // Ends the block that is open, and begins another one.
  void Open(std::string& out, Block block, absl::string_view content);
  void Close(std::string& out);
  void Redacted(std::string& out);
  void Delta(std::string& out, absl::string_view type, absl::string_view field,
             absl::string_view text) const;
  void ToText(std::string& out);
  std::string Signature() const;
  std::string MessageHead() const;

  const Reply& reply_;
  const std::string id_;
  Block open_ = Block::kNone;
  int blocks_ = 0;
  bool redacted_written_ = false;
};

}  // namespace penstock::providersim::anthropic
