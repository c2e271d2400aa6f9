#include "tests/providersim/anthropic/content.h"

#include <algorithm>
#include <optional>
#include <string>

#include <boost/json/serialize.hpp>

#include "tests/providersim/anthropic/error.h"
#include "tests/providersim/anthropic/image.h"
#include "tests/providersim/anthropic/thoughts.h"

#include "absl/strings/ascii.h"
#include "absl/strings/str_cat.h"

namespace penstock::providersim::anthropic {
namespace {

namespace json = boost::json;

absl::string_view View(json::string_view text) { return {text.data(), text.size()}; }

int64_t TokensOf(absl::string_view text) { return static_cast<int64_t>((text.size() + 3) / 4); }

bool IsId(absl::string_view id) {
  return !id.empty() && std::all_of(id.begin(), id.end(), [](char c) {
    return absl::ascii_isalnum(c) || c == '_' || c == '-';
  });
}

Refused CheckText(absl::string_view text) {
  if (text.empty()) return Invalid("messages", "text content blocks must be non-empty");
  if (absl::StripAsciiWhitespace(text).empty()) {
    return Invalid("messages", "text content blocks must contain non-whitespace text");
  }
  return std::nullopt;
}

Refused ReadText(const Fields& block, PromptMessage& out, absl::string_view& text) {
  if (Refused refused = block.CheckNames({"type", "text", "cache_control", "citations"})) {
    return refused;
  }
  if (Refused refused = block.Text("text", text)) return refused;
  out.parts.push_back(text);
  return CheckText(text);
}

// Reads the blocks of one message.
class Blocks {
 public:
  Blocks(Prompt& prompt, CacheMarks& marks, MessageShape& shape)
      : prompt_(prompt), marks_(marks), shape_(shape) {}

  Refused Read(const json::object& block, const Fields& fields, size_t index);

 private:
  Refused ReadByType(absl::string_view type, const Fields& fields);
  Refused ReadThinking(const Fields& fields);
  Refused ReadRedacted(const Fields& fields);
  Refused ReadUse(const Fields& fields);
  Refused ReadResult(const Fields& fields);
  Refused ReadResultContent(const Fields& fields, size_t message);
  // The message of the prompt that has everything but results.
  PromptMessage& own();

  Prompt& prompt_;
  CacheMarks& marks_;
  MessageShape& shape_;
  std::optional<size_t> own_;
};

PromptMessage& Blocks::own() {
  if (!own_) {
    own_ = prompt_.messages.size();
    prompt_.messages.push_back({.role = shape_.role});
  }
  return prompt_.messages[*own_];
}

Refused Blocks::Read(const json::object& block, const Fields& fields, size_t index) {
  absl::string_view type;
  if (Refused refused = fields.Text("type", type)) return refused;
  CacheMark mark = CacheMark::kNone;
  if (Refused refused = ReadCacheMark(fields, mark)) return refused;
  if (type == "text") {
    absl::string_view text;
    if (Refused refused = ReadText(fields, own(), text)) return refused;
    marks_.AddText(shape_.role, text, mark, prompt_);
    return std::nullopt;
  }
  if (Refused refused = ReadByType(type, fields)) return refused;
  if (index == 0 && !shape_.thoughts.empty()) shape_.begins_with_thought = true;
  if (type == "tool_result" && index == shape_.leading_results) ++shape_.leading_results;
  marks_.AddBlock(shape_.role, block, mark, prompt_);
  return std::nullopt;
}

Refused Blocks::ReadByType(absl::string_view type, const Fields& fields) {
  const bool assistant = shape_.role == "assistant";
  if (shape_.role == "user" && type == "image") {
    own().other_tokens += kImageTokens;
    return ReadImage(fields);
  }
  if (shape_.role == "user" && type == "tool_result") return ReadResult(fields);
  if (assistant && type == "tool_use") return ReadUse(fields);
  if (assistant && type == "thinking") return ReadThinking(fields);
  if (assistant && type == "redacted_thinking") return ReadRedacted(fields);
  return Invalid(fields.path(), absl::StrCat("Input tag '", type,
                                             "' found using 'type' does not "
                                             "match any of the expected tags of role '",
                                             shape_.role, "'"));
}

Refused Blocks::ReadThinking(const Fields& fields) {
  absl::string_view thought;
  absl::string_view signature;
  if (Refused refused = fields.CheckNames({"type", "thinking", "signature"})) return refused;
  if (Refused refused = fields.Text("thinking", thought)) return refused;
  if (Refused refused = fields.Text("signature", signature)) return refused;
  if (!IsSigned(signature, thought)) {
    return Invalid(fields.path(), "Invalid `signature` in `thinking` block");
  }
  own().other_tokens += TokensOf(thought);
  shape_.thoughts.push_back(signature);
  return std::nullopt;
}

Refused Blocks::ReadRedacted(const Fields& fields) {
  absl::string_view data;
  if (Refused refused = fields.CheckNames({"type", "data"})) return refused;
  if (Refused refused = fields.Text("data", data)) return refused;
  if (!IsRedacted(data)) {
    return Invalid(fields.path(), "Invalid `data` in `redacted_thinking` block");
  }
  own().other_tokens += TokensOf(data);
  shape_.thoughts.push_back(data);
  return std::nullopt;
}

Refused Blocks::ReadUse(const Fields& fields) {
  CalledTool call;
  const json::object* input = nullptr;
  if (Refused refused =
          fields.CheckNames({"type", "id", "name", "input", "cache_control", "caller"})) {
    return refused;
  }
  if (Refused refused = fields.Text("id", call.id)) return refused;
  if (!IsId(call.id)) {
    return Invalid(fields.PathOf("id"), "String should match pattern '^[a-zA-Z0-9_-]+$'");
  }
  if (Refused refused = fields.Text("name", call.name)) return refused;
  if (!IsId(call.name) || call.name.size() > 200) {
    return Invalid(fields.PathOf("name"), "String should match pattern '^[a-zA-Z0-9_-]{1,200}$'");
  }
  if (Refused refused = fields.Object("input", input)) return refused;
  call.arguments = prompt_.owned.emplace_back(json::serialize(*input));
  own().calls.push_back(call);
  shape_.uses.push_back(call.id);
  return std::nullopt;
}

Refused Blocks::ReadResult(const Fields& fields) {
  absl::string_view id;
  bool is_error = false;
  if (Refused refused =
          fields.CheckNames({"type", "tool_use_id", "content", "is_error", "cache_control"})) {
    return refused;
  }
  if (Refused refused = fields.Text("tool_use_id", id)) return refused;
  if (Refused refused = fields.MaybeFlag("is_error", is_error)) return refused;
  shape_.results.push_back(id);
  const size_t message = prompt_.messages.size();
  prompt_.messages.push_back({.role = "tool", .tool_call_id = id});
  return ReadResultContent(fields, message);
}

Refused Blocks::ReadResultContent(const Fields& fields, size_t message) {
  const json::value* content = fields.Find("content");
  if (content == nullptr) return std::nullopt;
  PromptMessage& out = prompt_.messages[message];
  if (content->is_string()) {
    out.parts.push_back(View(content->get_string()));
    return std::nullopt;
  }
  const json::array* blocks = nullptr;
  if (Refused refused = fields.Array("content", blocks)) return refused;
  for (size_t i = 0; i < blocks->size(); ++i) {
    const std::string path = absl::StrCat(fields.PathOf("content"), ".", i);
    const json::object* object = (*blocks)[i].if_object();
    if (object == nullptr) return Invalid(path, "Input should be an object");
    const Fields block(*object, path);
    absl::string_view type;
    absl::string_view text;
    if (Refused refused = block.Text("type", type)) return refused;
    if (Refused refused = block.CheckAmong("type", type, {"text", "image"})) return refused;
    if (type == "image") out.other_tokens += kImageTokens;
    if (Refused refused = type == "image" ? ReadImage(block) : ReadText(block, out, text)) {
      return refused;
    }
  }
  return std::nullopt;
}

Refused NoContent(const Fields& message, absl::string_view role) {
  return Invalid(message.path(), absl::StrCat(role, " messages must have non-empty content"));
}

}  // namespace

Refused ReadContent(const Fields& message, Prompt& prompt, CacheMarks& marks, MessageShape& shape) {
  const json::value* content = message.Find("content");
  if (content == nullptr) return Invalid(message.PathOf("content"), "Field required");
  if (const json::string* text = content->if_string()) {
    if (text->empty()) return NoContent(message, shape.role);
    prompt.messages.push_back({.role = shape.role, .parts = {View(*text)}});
    marks.AddText(shape.role, View(*text), CacheMark::kNone, prompt);
    return std::nullopt;
  }
  const json::array* blocks = nullptr;
  if (Refused refused = message.Array("content", blocks)) return refused;
  if (blocks->empty()) return NoContent(message, shape.role);
  Blocks reader(prompt, marks, shape);
  for (size_t i = 0; i < blocks->size(); ++i) {
    const std::string path = absl::StrCat(message.PathOf("content"), ".", i);
    const json::object* block = (*blocks)[i].if_object();
    if (block == nullptr) return Invalid(path, "Input should be an object");
    if (Refused refused = reader.Read(*block, Fields(*block, path), i)) return refused;
  }
  return std::nullopt;
}

Refused ReadSystem(const Fields& request, Prompt& prompt, CacheMarks& marks) {
  const json::value* system = request.Find("system");
  if (system == nullptr) return std::nullopt;
  PromptMessage& out = prompt.messages.emplace_back(PromptMessage{.role = "system"});
  if (const json::string* text = system->if_string()) {
    out.parts.push_back(View(*text));
    marks.AddText("system", View(*text), CacheMark::kNone, prompt);
    return std::nullopt;
  }
  const json::array* blocks = nullptr;
  if (Refused refused = request.Array("system", blocks)) return refused;
  for (size_t i = 0; i < blocks->size(); ++i) {
    const std::string path = absl::StrCat("system.", i);
    const json::object* object = (*blocks)[i].if_object();
    if (object == nullptr) return Invalid(path, "Input should be an object");
    const Fields block(*object, path);
    absl::string_view type;
    absl::string_view text;
    CacheMark mark = CacheMark::kNone;
    if (Refused refused = block.Text("type", type)) return refused;
    if (Refused refused = block.CheckAmong("type", type, {"text"})) return refused;
    if (Refused refused = ReadCacheMark(block, mark)) return refused;
    if (Refused refused = ReadText(block, out, text)) return refused;
    marks.AddText("system", text, mark, prompt);
  }
  return std::nullopt;
}

}  // namespace penstock::providersim::anthropic
