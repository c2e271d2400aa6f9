#include "libs/tokens/raw_tokens.h"

namespace penstock {
namespace {

using chat::v1::Part;

// An image has none of its own.
size_t BytesSent(const Part& part) {
  switch (part.kind_case()) {
    case Part::kText:
      return part.text().text().size();
    case Part::kRefusal:
      return part.refusal().text().size();
    case Part::kToolCall:
      return part.tool_call().name().size() + part.tool_call().arguments().size();
    case Part::kToolResult:
      return part.tool_result().content().size();
    case Part::kOpaque:
      return part.opaque().data().size();
    case Part::kReasoning:
      return part.reasoning().state().data().size();
    case Part::kImage:
    case Part::KIND_NOT_SET:
      return 0;
  }
  return 0;
}

}  // namespace

int64_t RawTokens(size_t utf8_bytes) {
  return static_cast<int64_t>((utf8_bytes * 3 + 9) / 10);  // / 4 × 1.2
}

void PartTokens::Add(const Part& part) {
  bytes_ += BytesSent(part);
  if (part.has_image()) ++images_;
}

int64_t RawTokens(const google::protobuf::RepeatedPtrField<Part>& parts) {
  PartTokens tokens;
  for (const Part& part : parts) tokens.Add(part);
  return tokens.count();
}

}  // namespace penstock
