#include "tests/providersim/anthropic/message_shape.h"

#include <algorithm>
#include <set>
#include <string>

#include "tests/providersim/anthropic/error.h"
#include "tests/providersim/anthropic/thoughts.h"

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"

namespace penstock::providersim::anthropic {
namespace {

using Ids = std::vector<absl::string_view>;

std::string PathOf(size_t index) { return absl::StrCat("messages.", index); }

bool Holds(const Ids& ids, absl::string_view id) {
  return std::find(ids.begin(), ids.end(), id) != ids.end();
}

Refused CheckResults(const std::vector<MessageShape>& messages, size_t index) {
  const Ids none;
  const Ids& uses = index == 0 ? none : messages[index - 1].uses;
  std::set<absl::string_view> seen;
  for (absl::string_view id : messages[index].results) {
    if (!Holds(uses, id)) {
      return Invalid(PathOf(index),
                     absl::StrCat("unexpected `tool_use_id` found in `tool_result` blocks: ", id,
                                  ". Each `tool_result` block must have a corresponding `tool_use` "
                                  "block in the previous message."));
    }
    if (!seen.insert(id).second) {
      return Invalid(PathOf(index),
                     absl::StrCat("each tool_use must have a single result. Found multiple "
                                  "`tool_result` blocks with id: ",
                                  id));
    }
  }
  return std::nullopt;
}

Refused CheckAnswered(const std::vector<MessageShape>& messages, size_t index) {
  Ids open = messages[index].uses;
  if (index + 1 < messages.size()) {
    const MessageShape& next = messages[index + 1];
    for (size_t i = 0; i < next.leading_results; ++i) std::erase(open, next.results[i]);
  }
  if (open.empty()) return std::nullopt;
  return Invalid(PathOf(index),
                 absl::StrCat("`tool_use` ids were found without `tool_result` blocks immediately "
                              "after: ",
                              absl::StrJoin(open, ", "),
                              ". Each `tool_use` block must have a corresponding `tool_result` "
                              "block in the next message."));
}

// A step's calls, with what stood before them.
Refused CheckStep(const MessageShape& step, size_t index, bool demanded) {
  const std::string where = absl::StrCat(PathOf(index), ".content.0.type");
  if (demanded && !step.begins_with_thought) {
    return Invalid(where,
                   "Expected `thinking` or `redacted_thinking`, but found `tool_use`. When "
                   "`thinking` is enabled, a final `assistant` message must start with a thinking "
                   "block (preceeding the lastmost set of `tool_use` and `tool_result` blocks).");
  }
  for (absl::string_view id : step.uses) {
    const absl::string_view thought = ThoughtBefore(id);
    const bool there = thought.empty() || std::any_of(step.thoughts.begin(), step.thoughts.end(),
                                                      [&](absl::string_view t) {
                                                        return absl::StartsWith(t, thought);
                                                      });
    if (there && (thought.empty() || step.begins_with_thought)) continue;
    return Invalid(where,
                   absl::StrCat("the `thinking` block that was returned before `tool_use` ", id,
                                " must be passed back, unchanged and in its place, with its "
                                "`tool_result`."));
  }
  return std::nullopt;
}

}  // namespace

Refused CheckPairs(const std::vector<MessageShape>& messages) {
  std::set<absl::string_view> used;
  const auto first = std::find_if(messages.begin(), messages.end(),
                                  [](const auto& message) { return message.role != "system"; });
  if (first == messages.end() || first->role != "user") {
    return Invalid("messages", "first message must use the \"user\" role");
  }
  for (size_t i = 0; i < messages.size(); ++i) {
    for (absl::string_view id : messages[i].uses) {
      if (used.insert(id).second) continue;
      return Invalid("messages", absl::StrCat("`tool_use` ids must be unique, found twice: ", id));
    }
    if (Refused refused = CheckResults(messages, i)) return refused;
    if (Refused refused = CheckAnswered(messages, i)) return refused;
  }
  return std::nullopt;
}

Refused CheckThoughts(const std::vector<MessageShape>& messages, bool demanded) {
  for (size_t i = messages.size(); i >= 2; i -= 2) {
    if (messages[i - 1].results.empty() || messages[i - 2].uses.empty()) break;
    if (Refused refused = CheckStep(messages[i - 2], i - 2, demanded)) return refused;
  }
  return std::nullopt;
}

}  // namespace penstock::providersim::anthropic
