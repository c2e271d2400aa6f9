// The bytes of a chat completion: chunk objects as SSE events, or one object.
#pragma once

#include <string>

#include "tests/providersim/answer_writer.h"

namespace penstock::providersim::openai {

// Everything that repeats is built once.
class ChunkWriter : public AnswerWriter {
 public:
  // `id` is the completion's: "chatcmpl-...".
  ChunkWriter(const Reply& reply, std::string id, int64_t created);

  // {"role":"assistant","content":"","refusal":null}; content is null in an answer of calls alone.
  void Begin(std::string& out) override;
  void Thought(std::string& out, absl::string_view text) override;
  void Text(std::string& out, absl::string_view text) override;
  void Call(std::string& out, const CallPiece& piece) override;
  // A chunk with the reason; one with choices [] and usage when it is asked for; [DONE].
  void Finish(std::string& out, int sent_tokens) override;
  void EndMarker(std::string& out) const override;
  // A bare error object.
  void Error(std::string& out, const ApiError& error) const override;
  void MalformedJson(std::string& out) const override;
  void MalformedShape(std::string& out) const override;
  void LongLine(std::string& out, int64_t bytes) const override;
  std::string Whole() const override;

 private:
  void Delta(std::string& out, absl::string_view field, absl::string_view text) const;
  void Event(std::string& out, absl::string_view delta, absl::string_view finish) const;

  const Reply& reply_;
  const std::string id_;
  const int64_t created_;
  // "data: {...,"choices":" and what follows the choices.
  std::string head_;
  std::string tail_;
};

}  // namespace penstock::providersim::openai
