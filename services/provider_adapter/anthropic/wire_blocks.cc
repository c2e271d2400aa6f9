#include "services/provider_adapter/anthropic/wire_blocks.h"

#include <algorithm>
#include <utility>

#include "services/provider_adapter/json_text.h"
#include "services/provider_adapter/provider.h"
#include "services/provider_adapter/request_parts.h"
#include "services/provider_adapter/tool_call_ids.h"

#include "absl/strings/ascii.h"

namespace penstock::provider_adapter {
namespace {

using chat::v1::Message;
using chat::v1::Part;
using provider::v1::GenerateRequest;

bool IsBlank(absl::string_view text) { return absl::StripAsciiWhitespace(text).empty(); }

bool IsOurs(const chat::v1::Opaque& opaque) {
  return opaque.protocol() == kAnthropic && IsJsonObject(opaque.data());
}

// Of what is neither a call nor a result.
bool IsSent(const Part& part) {
  switch (part.kind_case()) {
    case Part::kText:
      return !IsBlank(part.text().text());
    case Part::kRefusal:
      return !IsBlank(part.refusal().text());
    case Part::kImage:
      return true;
    case Part::kReasoning:
      return IsOurs(part.reasoning().state());
    case Part::kOpaque:
      return IsOurs(part.opaque());
    default:
      return false;
  }
}

int NewestUserMessage(const GenerateRequest& request) {
  int index = request.messages_size() - 1;
  while (index >= 0 && request.messages(index).role() != chat::v1::USER) --index;
  return index;
}

class Planner {
 public:
  Planner(const GenerateRequest& request, bool prompt_cache)
      : request_(request), prompt_cache_(prompt_cache) {}

  absl::StatusOr<std::vector<WireBlock>> Plan() {
    const int newest = NewestUserMessage(request_);
    for (int i = 0; i < request_.messages_size(); ++i) {
      const Message& message = request_.messages(i);
      if (message.role() == chat::v1::SYSTEM) continue;
      if (message.role() != chat::v1::TOOL) AddMissingResults();
      if (i == newest) Mark();
      const absl::Status status =
          message.role() == chat::v1::TOOL ? AddResults(message, i) : AddSpoken(message);
      if (!status.ok()) return status;
    }
    AddMissingResults();
    DropLastThinking();
    if (newest >= 0 && newest < request_.messages_size() - 1) Mark();
    return std::move(blocks_);
  }

 private:
  absl::Status AddSpoken(const Message& message) {
    const bool assistant = message.role() == chat::v1::ASSISTANT;
    for (const Part& part : message.parts()) {
      if (part.has_tool_call()) {
        Add({.assistant = true, .part = &part, .call_id = ids_.Call(part.tool_call().id())});
      } else if (IsSent(part)) {
        Add({.assistant = assistant, .part = &part});
      }
    }
    return absl::OkStatus();
  }

  absl::Status AddResults(const Message& message, int index) {
    for (int i = 0; i < message.parts_size(); ++i) {
      auto id = ids_.Result(message.parts(i).tool_result().tool_call_id());
      if (!id) return ResultWithoutCall(request_, index, i);
      Add({.assistant = false, .part = &message.parts(i), .call_id = *std::move(id)});
    }
    return absl::OkStatus();
  }

  void AddMissingResults() {
    for (std::string& id : ids_.TakeOpen()) {
      Add({.assistant = false, .part = nullptr, .call_id = std::move(id)});
    }
  }

  void Add(WireBlock block) {
    if (blocks_.empty() && block.assistant) blocks_.push_back({});
    if (!block.assistant) DropLastThinking();
    blocks_.push_back(std::move(block));
  }

  // Nothing may follow it in its message but a text or a call.
  void DropLastThinking() {
    while (!blocks_.empty() && blocks_.back().part != nullptr &&
           blocks_.back().part->has_reasoning()) {
      blocks_.pop_back();
    }
  }

  void Mark() {
    if (!prompt_cache_) return;
    const auto found = std::find_if(blocks_.rbegin(), blocks_.rend(), [](const WireBlock& block) {
      return block.part == nullptr || !IsRaw(*block.part);
    });
    if (found != blocks_.rend()) found->cache_mark = true;
  }

  const GenerateRequest& request_;
  const bool prompt_cache_;
  ToolCallIds ids_{ToolCallIds::Form::kWord};
  std::vector<WireBlock> blocks_;
};

}  // namespace

absl::StatusOr<std::vector<WireBlock>> WireBlocksOf(const GenerateRequest& request,
                                                    bool prompt_cache) {
  return Planner(request, prompt_cache).Plan();
}

bool IsRaw(const Part& part) { return part.has_reasoning() || part.has_opaque(); }

}  // namespace penstock::provider_adapter
