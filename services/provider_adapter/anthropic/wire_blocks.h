// The conversation as Anthropic wants it: user and assistant by turns, each a list of blocks.
#pragma once

#include <string>
#include <vector>

#include "penstock/chat/v1/message.pb.h"
#include "penstock/provider/v1/provider_adapter.pb.h"

#include "absl/status/statusor.h"

namespace penstock::provider_adapter {

// Points into the request.
struct WireBlock {
  // Else the user's. Neighbours of the same side are one message.
  bool assistant = false;
  // Null: words of ours, or the result of a call that has none (then `call_id` is set).
  const chat::v1::Part* part = nullptr;
  // Of a tool call or a result: as it is on the wire.
  std::string call_id = {};
  // The prompt cache may keep what ends here.
  bool cache_mark = false;
};

// What of the request's messages is sent, but for the instructions. The results of a step stand
// together, first in the message behind its calls; a call without one gets one that says so. Left
// out is what the API refuses: blank text, state of another protocol, thinking at the end of a
// message. A conversation that would begin with the assistant begins with words of ours.
//
// With `prompt_cache` two marks: behind the history, which ends before the newest user message (it
// holds what was recalled for this turn alone), and, in a turn that goes on, at its end. None on
// thinking and opaque blocks, which cannot have any. INVALID_ARGUMENT for a result without its
// call.
absl::StatusOr<std::vector<WireBlock>> WireBlocksOf(const provider::v1::GenerateRequest& request,
                                                    bool prompt_cache);

// The part's JSON goes back as it came: thinking, and what we cannot read.
bool IsRaw(const chat::v1::Part& part);

}  // namespace penstock::provider_adapter
