#include "services/dispatcher/turn/answer.h"

#include <algorithm>
#include <string>

#include "absl/container/flat_hash_set.h"
#include "absl/strings/str_cat.h"

namespace penstock::dispatcher {
namespace {

using chat::v1::Message;
using chat::v1::Part;
using provider::v1::GenerateFinished;

bool HasCalls(const Message& message) {
  return std::any_of(message.parts().begin(), message.parts().end(),
                     [](const Part& part) { return part.has_tool_call(); });
}

void TakeCallsOut(Message& message) {
  auto& parts = *message.mutable_parts();
  parts.erase(std::remove_if(parts.begin(), parts.end(),
                             [](const Part& part) { return part.has_tool_call(); }),
              parts.end());
}

// The provider stopped where the model wanted to.
bool IsWhole(chat::v1::FinishReason reason) {
  return reason != chat::v1::LENGTH && reason != chat::v1::CONTENT_FILTER;
}

void MakeIdsUnique(Message& message, const Steps& before) {
  absl::flat_hash_set<std::string> seen;
  int call = 0;
  for (Part& part : *message.mutable_parts()) {
    if (!part.has_tool_call()) continue;
    std::string& id = *part.mutable_tool_call()->mutable_id();
    const std::string wanted = id.empty() ? "call" : id;
    for (int n = call; id.empty() || before.HasCall(id) || seen.contains(id); ++n) {
      id = absl::StrCat(wanted, "-", before.current(), "-", n);
    }
    seen.insert(id);
    ++call;
  }
}

}  // namespace

bool AsksForTools(GenerateFinished& finished, const Steps& before, const AnswerRules& rules) {
  const bool whole = IsWhole(finished.finish_reason());
  const bool has_calls = HasCalls(finished.message());
  const bool too_long =
      before.output_bytes() + KeptBytesOf(finished.message()) >= rules.max_output_bytes;
  if (has_calls && whole && rules.tools_offered && !rules.at_limit && !too_long) {
    finished.set_finish_reason(chat::v1::TOOL_CALLS);
    MakeIdsUnique(*finished.mutable_message(), before);
    return true;
  }
  TakeCallsOut(*finished.mutable_message());
  if (!whole) return false;
  if (rules.at_limit) {
    finished.set_finish_reason(chat::v1::TOOL_LIMIT);
  } else if (has_calls && too_long) {
    finished.set_finish_reason(chat::v1::LENGTH);
  } else if (finished.finish_reason() == chat::v1::TOOL_CALLS) {
    finished.set_finish_reason(chat::v1::STOP);
  }
  return false;
}

}  // namespace penstock::dispatcher
