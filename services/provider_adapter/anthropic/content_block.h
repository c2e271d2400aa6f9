// One content block of an answer of Anthropic, in pieces or whole.
#pragma once

#include <cstddef>

#include <boost/json/object.hpp>
#include <boost/json/value.hpp>

#include "services/provider_adapter/provider.h"

#include "absl/strings/string_view.h"

namespace penstock::provider_adapter {

// Text, thinking and calls are told as they come. A thinking block that is signed, or is redacted,
// is kept as the state of its reasoning; a block of any other type is an opaque part, put together
// from its pieces: strings are appended, `citation` joins `citations`, anything else replaces.
// Not thread-safe.
class ContentBlock {
 public:
  // `start` is the member "content_block", or a block of a whole answer; `calls` is the number of
  // calls before it. Tells the sink what is in it already.
  ContentBlock(const boost::json::value& start, size_t calls, AnswerSink& sink);

  // `delta` is the member of that name. Of a type that does not belong to the block: passed over.
  void Append(const boost::json::value& delta, AnswerSink& sink);
  // Nothing more comes.
  void End(AnswerSink& sink);

  bool is_call() const { return type_ == Type::kCall; }
  // The sink was told something: text, a call, or a part.
  bool told() const { return told_; }

 private:
  enum class Type { kText, kThinking, kRedacted, kCall, kOther };

  static Type TypeOf(absl::string_view name);
  void BeginCall(AnswerSink& sink);
  // Arguments that came with the beginning, where no piece followed.
  void TellInput(AnswerSink& sink);
  void Tell(chat::v1::Delta::Kind kind, absl::string_view text, AnswerSink& sink);
  void AppendThinking(const boost::json::value& delta, AnswerSink& sink);
  // Puts a piece of an opaque block in its place.
  void Keep(absl::string_view name, const boost::json::value& piece, AnswerSink& sink);
  void KeepInput(absl::string_view json, AnswerSink& sink);
  chat::v1::Opaque AsItCame() const;

  const Type type_;
  const size_t call_;
  // The block, as far as it has come.
  boost::json::object block_;
  // Of an opaque block: its `input`, which comes as the text of JSON.
  std::string input_;
  bool has_arguments_ = false;
  bool told_ = false;
};

}  // namespace penstock::provider_adapter
