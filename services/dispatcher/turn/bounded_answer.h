// An answer that may be cut by a bound of ours, and what continues it.
#pragma once

#include <cstdint>
#include <optional>
#include <utility>

#include "penstock/provider/v1/provider_adapter.pb.h"
#include "services/dispatcher/limits/lane_limiter.h"
#include "services/dispatcher/turn/prompt.h"

namespace penstock::dispatcher {

// Of one step: its first call may be bounded below what the caller allows; an answer that reaches
// that bound is continued by a second call, which gets the text so far as the assistant's and all
// the rest of what the caller allows. To the caller they are one. Not for answers that cannot be
// taken up in the middle: with tools, of a prescribed format, or by a model that refuses a prefill.
// Not thread-safe.
class BoundedAnswer {
 public:
  // `bound`: none, or of the first call. The prompt outlives it.
  BoundedAnswer(const Prompt& prompt, std::optional<int64_t> bound);

  // Of the next call.
  CallSize size() const;
  void Shape(provider::v1::GenerateRequest& request) const;

  // The call has ended so; true: by our bound, and it is kept, to be continued.
  bool TakeCut(provider::v1::GenerateFinished& finished);
  // The provider does not take an answer's beginning as the last message: from now on a user's
  // message behind it asks for the rest. False when that was tried.
  bool AskInWords() { return !std::exchange(in_words_, true); }
  // A call was made that this one continues.
  bool begun() const { return begun_; }
  // Bytes that the calls before gave.
  int64_t kept_bytes() const;
  // Of the calls before.
  int64_t kept_tokens() const { return kept_tokens_; }

  // Where the next call's parts stand in the whole, if its first is of this kind.
  int32_t FirstPart(chat::v1::Delta::Kind kind) const;
  // The whole message, of which the last call gave the rest.
  chat::v1::Message Whole(chat::v1::Message rest) const;

 private:
  const Prompt& prompt_;
  std::optional<int64_t> bound_;
  bool begun_ = false;
  bool in_words_ = false;
  chat::v1::Message kept_;
  int64_t kept_tokens_ = 0;
};

}  // namespace penstock::dispatcher
