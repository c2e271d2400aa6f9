// What the rules between messages need to know of one.
#pragma once

#include <cstddef>
#include <vector>

#include "tests/providersim/api_error.h"

#include "absl/strings/string_view.h"

namespace penstock::providersim::anthropic {

// Views into the request.
struct MessageShape {
  absl::string_view role;
  // Ids of its tool_use and tool_result blocks, in order; and how many results stand before
  // anything else.
  std::vector<absl::string_view> uses = {};
  std::vector<absl::string_view> results = {};
  size_t leading_results = 0;
  // Signatures of its thinking blocks and data of its redacted ones.
  std::vector<absl::string_view> thoughts = {};
  bool begins_with_thought = false;
};

// The first message is the user's; every tool_use has its tool_result in the next message, before
// anything else; every tool_result has its tool_use in the one before, once; no id is used twice.
Refused CheckPairs(const std::vector<MessageShape>& messages);

// Of the steps since the user spoke: what was thought before a call stands before it again. With
// `demanded` (thinking is enabled) every such step begins with a thought.
Refused CheckThoughts(const std::vector<MessageShape>& messages, bool demanded);

}  // namespace penstock::providersim::anthropic
