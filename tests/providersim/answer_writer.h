// The bytes of one answer in one format: SSE events, or a body.
#pragma once

#include <cstdint>
#include <string>

#include "tests/providersim/api_error.h"
#include "tests/providersim/reply.h"

#include "absl/strings/string_view.h"

namespace penstock::providersim {

// Of a stream, in this order: Begin, thoughts, texts, calls, Finish. Each appends whole events. One
// thread; borrows the reply.
class AnswerWriter {
 public:
  virtual ~AnswerWriter() = default;

  // What stands before the first delta.
  virtual void Begin(std::string& out) = 0;
  virtual void Thought(std::string& out, absl::string_view text) = 0;
  virtual void Text(std::string& out, absl::string_view text) = 0;
  virtual void Call(std::string& out, const CallPiece& piece) = 0;
  // Why it ends and what it used, `sent_tokens` beside the thoughts; then the end marker.
  virtual void Finish(std::string& out, int sent_tokens) = 0;

  // [DONE] or message_stop.
  virtual void EndMarker(std::string& out) const = 0;
  // What a stream breaks off with.
  virtual void Error(std::string& out, const ApiError& error) const = 0;
  // An event that is no JSON; or JSON that is no event of the format.
  virtual void MalformedJson(std::string& out) const = 0;
  virtual void MalformedShape(std::string& out) const = 0;
  // An event that says nothing, in a line of `bytes` or a little more.
  virtual void LongLine(std::string& out, int64_t bytes) const = 0;

  // The body of an answer that is not streamed.
  virtual std::string Whole() const = 0;
};

}  // namespace penstock::providersim
