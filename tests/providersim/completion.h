// The bytes of a completion: chunk objects as SSE events, or one object.
#pragma once

#include <string>

#include "tests/providersim/reply.h"

#include "absl/strings/string_view.h"

namespace penstock::providersim {

// Appends the events of one streamed completion. Everything that repeats is built once.
class ChunkWriter {
 public:
  // `id` is the completion's: "chatcmpl-...".
  ChunkWriter(const Reply& reply, absl::string_view id, int64_t created);

  // {"role":"assistant","content":"","refusal":null}; content is null in an answer of calls alone.
  void Role(std::string& out) const;
  // `field` is content, refusal, reasoning or reasoning_content.
  void Delta(std::string& out, absl::string_view field, absl::string_view text) const;
  void Call(std::string& out, const CallPiece& piece) const;
  void Finish(std::string& out, absl::string_view reason) const;
  // choices [], usage set.
  void Usage(std::string& out, int sent_tokens) const;
  // A bare error object, as a stream breaks off with.
  static void Error(std::string& out);
  // An event that is no JSON.
  static void Malformed(std::string& out);
  static void Done(std::string& out);

 private:
  void Event(std::string& out, absl::string_view delta, absl::string_view finish) const;

  const Reply& reply_;
  // "data: {...,"choices":" and what follows the choices.
  std::string head_;
  std::string tail_;
};

// The body of an answer that is not streamed.
std::string RenderCompletion(const Reply& reply, absl::string_view id, int64_t created);

}  // namespace penstock::providersim
