#include "tests/providersim/anthropic/tools.h"

#include <algorithm>
#include <string>

#include <boost/json/serialize.hpp>

#include "tests/providersim/anthropic/error.h"

#include "absl/strings/ascii.h"
#include "absl/strings/str_cat.h"

namespace penstock::providersim::anthropic {
namespace {

namespace json = boost::json;

constexpr size_t kMostNameBytes = 128;

bool IsName(absl::string_view name) {
  return !name.empty() && name.size() <= kMostNameBytes &&
         std::all_of(name.begin(), name.end(),
                     [](char c) { return absl::ascii_isalnum(c) || c == '_' || c == '-'; });
}

bool Holds(const std::vector<absl::string_view>& names, absl::string_view name) {
  return std::find(names.begin(), names.end(), name) != names.end();
}

Refused ReadSchema(const Fields& tool, size_t& bytes) {
  const json::object* schema = nullptr;
  absl::string_view type;
  if (Refused refused = tool.Object("input_schema", schema)) return refused;
  const Fields fields(*schema, tool.PathOf("input_schema"));
  if (Refused refused = fields.Text("type", type)) return refused;
  bytes += json::serialize(*schema).size();
  return fields.CheckAmong("type", type, {"object"});
}

Refused ReadTool(const json::object& object, const Fields& tool, Prompt& prompt,
                 CacheMarks& marks) {
  absl::string_view type = "custom";
  absl::string_view name;
  absl::string_view description;
  bool flag = false;
  CacheMark mark = CacheMark::kNone;
  if (Refused refused = tool.MaybeText("type", type)) return refused;
  if (Refused refused = tool.CheckAmong("type", type, {"custom"})) return refused;
  if (Refused refused = tool.CheckNames({"type", "name", "description", "input_schema", "strict",
                                         "cache_control", "input_examples", "defer_loading",
                                         "allowed_callers", "eager_input_streaming"})) {
    return refused;
  }
  if (Refused refused = tool.Text("name", name)) return refused;
  if (!IsName(name)) {
    return Invalid(tool.PathOf("name"), "String should match pattern '^[a-zA-Z0-9_-]{1,128}$'");
  }
  if (Refused refused = tool.MaybeText("description", description)) return refused;
  if (Refused refused = tool.MaybeFlag("strict", flag)) return refused;
  if (Refused refused = ReadCacheMark(tool, mark)) return refused;
  if (Refused refused = ReadSchema(tool, prompt.tools.bytes)) return refused;
  if (Holds(prompt.tools.names, name)) return Invalid("tools", "Tool names must be unique.");
  prompt.tools.names.push_back(name);
  prompt.tools.bytes += name.size() + description.size();
  marks.AddBlock("tools", object, mark, prompt);
  return std::nullopt;
}

Refused ReadChoice(const json::object& object, OfferedTools& out) {
  const Fields choice(object, "tool_choice");
  absl::string_view type;
  bool serial = false;
  if (Refused refused = choice.CheckNames({"type", "name", "disable_parallel_tool_use"})) {
    return refused;
  }
  if (Refused refused = choice.Text("type", type)) return refused;
  if (Refused refused = choice.CheckAmong("type", type, {"auto", "any", "tool", "none"})) {
    return refused;
  }
  if (Refused refused = choice.MaybeFlag("disable_parallel_tool_use", serial)) return refused;
  out.parallel = !serial;
  if (type == "auto" || type == "none") out.choice = type;
  if (type == "any") out.choice = "required";
  if (type != "tool") return std::nullopt;
  if (Refused refused = choice.Text("name", out.tool)) return refused;
  if (Holds(out.names, out.tool)) return std::nullopt;
  return Invalid("tool_choice", absl::StrCat("Tool '", out.tool, "' not found in provided tools"));
}

}  // namespace

Refused ReadTools(const Fields& request, Prompt& prompt, CacheMarks& marks) {
  const json::object* choice = nullptr;
  if (Refused refused = request.MaybeObject("tool_choice", choice)) return refused;
  if (request.Find("tools") != nullptr) {
    const json::array* tools = nullptr;
    if (Refused refused = request.Array("tools", tools)) return refused;
    for (size_t i = 0; i < tools->size(); ++i) {
      const std::string path = absl::StrCat("tools.", i);
      const json::object* tool = (*tools)[i].if_object();
      if (tool == nullptr) return Invalid(path, "Input should be an object");
      if (Refused refused = ReadTool(*tool, Fields(*tool, path), prompt, marks)) return refused;
    }
  }
  if (choice == nullptr) return std::nullopt;
  if (prompt.tools.names.empty()) {
    return Invalid("tool_choice", "may only be specified while providing tools");
  }
  return ReadChoice(*choice, prompt.tools);
}

}  // namespace penstock::providersim::anthropic
