#include "tests/providersim/anthropic/request.h"

#include <string>
#include <vector>

#include <boost/json/parse.hpp>

#include "tests/providersim/anthropic/cache_marks.h"
#include "tests/providersim/anthropic/content.h"
#include "tests/providersim/anthropic/error.h"
#include "tests/providersim/anthropic/fields.h"
#include "tests/providersim/anthropic/message_shape.h"
#include "tests/providersim/anthropic/tools.h"

#include "absl/strings/ascii.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"

namespace penstock::providersim::anthropic {
namespace {

namespace json = boost::json;

constexpr size_t kMostBytes = 32 * 1024 * 1024;
constexpr int64_t kLeastBudget = 1024;

Refused CheckParameters(const Fields& request, const Rules& rules) {
  if (rules.counts_only) {
    return request.CheckNames({"cache_control", "messages", "model", "output_config", "system",
                               "thinking", "tool_choice", "tools"});
  }
  return request.CheckNames({"cache_control", "inference_geo", "max_tokens", "messages", "metadata",
                             "model", "output_config", "service_tier", "speed", "stop_sequences",
                             "stream", "system", "temperature", "thinking", "tool_choice", "tools",
                             "top_k", "top_p"});
}

Refused ReadMessages(const Fields& request, bool demands_thoughts, const Rules& rules,
                     Prompt& prompt, CacheMarks& marks) {
  const json::array* list = nullptr;
  if (Refused refused = request.Array("messages", list)) return refused;
  if (list->empty()) return Invalid("messages", "at least one message is required");
  std::vector<MessageShape> shapes(list->size());
  for (size_t i = 0; i < list->size(); ++i) {
    const std::string path = absl::StrCat("messages.", i);
    const json::object* object = (*list)[i].if_object();
    if (object == nullptr) return Invalid(path, "Input should be an object");
    const Fields message(*object, path);
    MessageShape& shape = shapes[i];
    if (Refused refused = message.CheckNames({"role", "content"})) return refused;
    if (Refused refused = message.Text("role", shape.role)) return refused;
    if (Refused refused = message.CheckAmong("role", shape.role, {"user", "assistant", "system"})) {
      return refused;
    }
    if (Refused refused = ReadContent(message, prompt, marks, shape)) return refused;
  }
  if (Refused refused = CheckPairs(shapes)) return refused;
  if (Refused refused = CheckThoughts(shapes, demands_thoughts)) return refused;
  if (shapes.back().role != "assistant" || !rules.newest) return std::nullopt;
  return Invalid("",
                 "This model does not support assistant message prefill. The conversation must end "
                 "with a user message.");
}

Refused ReadThinking(const Fields& request, Prompt& prompt) {
  const json::object* object = nullptr;
  if (Refused refused = request.MaybeObject("thinking", object)) return refused;
  if (object == nullptr) return std::nullopt;
  const Fields thinking(*object, "thinking");
  absl::string_view type;
  absl::string_view display = "summarized";
  std::optional<int64_t> budget;
  if (Refused refused = thinking.CheckNames({"type", "budget_tokens", "display"})) return refused;
  if (Refused refused = thinking.Text("type", type)) return refused;
  if (Refused refused = thinking.CheckAmong("type", type, {"adaptive", "enabled", "disabled"})) {
    return refused;
  }
  if (Refused refused = thinking.MaybeText("display", display)) return refused;
  if (Refused refused = thinking.CheckAmong("display", display, {"summarized", "omitted"})) {
    return refused;
  }
  if (Refused refused = thinking.MaybeInteger("budget_tokens", kLeastBudget, budget)) {
    return refused;
  }
  prompt.shows_thoughts = display == "summarized";
  if (type == "disabled") prompt.thinking = Thinking::kNever;
  if (type != "enabled") return std::nullopt;
  prompt.thinking = Thinking::kAlways;
  if (!budget) return Invalid("thinking.enabled.budget_tokens", "Field required");
  if (!prompt.max_tokens || *budget < *prompt.max_tokens) return std::nullopt;
  return Invalid("", "`max_tokens` must be greater than `thinking.budget_tokens`.");
}

// What may not stand beside thinking that is enabled.
Refused CheckBesideThinking(const Fields& request, const Prompt& prompt) {
  if (prompt.thinking != Thinking::kAlways) return std::nullopt;
  const json::value* temperature = request.Find("temperature");
  if (temperature != nullptr && temperature->to_number<double>() != 1) {
    return Invalid("", "`temperature` may only be set to 1 when thinking is enabled.");
  }
  if (prompt.tools.choice != "required" && prompt.tools.tool.empty()) return std::nullopt;
  return Invalid("", "Thinking may not be enabled when tool_choice forces tool use.");
}

Refused CheckSampling(const Fields& request, const Rules& rules) {
  for (absl::string_view name : {"temperature", "top_p", "top_k"}) {
    if (!rules.newest || request.Find(name) == nullptr) continue;
    return Invalid("", absl::StrCat("`", name, "` is deprecated for this model."));
  }
  std::optional<int64_t> top_k;
  if (Refused refused = request.MaybeNumber("temperature", 0, 1)) return refused;
  if (Refused refused = request.MaybeNumber("top_p", 0, 1)) return refused;
  return request.MaybeInteger("top_k", 0, top_k);
}

Refused ReadStops(const Fields& request, Prompt& prompt) {
  if (request.Find("stop_sequences") == nullptr) return std::nullopt;
  const json::array* list = nullptr;
  if (Refused refused = request.Array("stop_sequences", list)) return refused;
  for (const json::value& value : *list) {
    const json::string* text = value.if_string();
    if (text == nullptr) return Invalid("stop_sequences", "Input should be a valid string");
    prompt.stop.emplace_back(text->data(), text->size());
    if (absl::StripAsciiWhitespace(prompt.stop.back()).empty()) {
      return Invalid("stop_sequences", "each stop sequence must contain non-whitespace");
    }
  }
  return std::nullopt;
}

// One of a few words, when it is there.
Refused CheckWord(const Fields& fields, absl::string_view name, Names allowed) {
  absl::string_view word;
  if (fields.Find(name) == nullptr) return std::nullopt;
  if (Refused refused = fields.MaybeText(name, word)) return refused;
  return fields.CheckAmong(name, word, allowed);
}

Refused CheckOutputConfig(const Fields& request) {
  const json::object* object = nullptr;
  const json::object* format = nullptr;
  const json::object* schema = nullptr;
  absl::string_view type;
  if (Refused refused = request.MaybeObject("output_config", object)) return refused;
  if (object == nullptr) return std::nullopt;
  const Fields config(*object, "output_config");
  if (Refused refused = config.CheckNames({"effort", "format"})) return refused;
  if (Refused refused = CheckWord(config, "effort", {"low", "medium", "high", "xhigh", "max"})) {
    return refused;
  }
  if (Refused refused = config.MaybeObject("format", format)) return refused;
  if (format == nullptr) return std::nullopt;
  const Fields fields(*format, "output_config.format");
  if (Refused refused = fields.CheckNames({"type", "schema"})) return refused;
  if (Refused refused = fields.Text("type", type)) return refused;
  if (Refused refused = fields.CheckAmong("type", type, {"json_schema"})) return refused;
  return fields.Object("schema", schema);
}

Refused CheckTheRest(const Fields& request) {
  const json::object* metadata = nullptr;
  if (Refused refused = request.MaybeObject("metadata", metadata)) return refused;
  if (metadata != nullptr) {
    if (Refused refused = Fields(*metadata, "metadata").CheckNames({"user_id"})) return refused;
  }
  if (Refused refused = CheckWord(request, "service_tier", {"auto", "standard_only"})) {
    return refused;
  }
  return CheckOutputConfig(request);
}

Refused ReadFields(const Fields& request, const Rules& rules, bool has_marks, Prompt& prompt) {
  CacheMarks marks(has_marks);
  CacheMark last = CacheMark::kNone;
  if (Refused refused = CheckParameters(request, rules)) return refused;
  if (Refused refused = request.Text("model", prompt.model)) return refused;
  if (Refused refused = request.MaybeInteger("max_tokens", 1, prompt.max_tokens)) return refused;
  if (!prompt.max_tokens && !rules.counts_only) return Invalid("max_tokens", "Field required");
  if (Refused refused = ReadThinking(request, prompt)) return refused;
  if (Refused refused = ReadTools(request, prompt, marks)) return refused;
  if (Refused refused = ReadSystem(request, prompt, marks)) return refused;
  const bool demands_thoughts = prompt.thinking == Thinking::kAlways;
  if (Refused refused = ReadMessages(request, demands_thoughts, rules, prompt, marks)) {
    return refused;
  }
  if (Refused refused = ReadCacheMark(request, last)) return refused;
  marks.MarkLast(last);
  if (Refused refused = marks.Check()) return refused;
  prompt.prefixes = marks.Take();
  if (Refused refused = request.MaybeFlag("stream", prompt.stream)) return refused;
  if (Refused refused = CheckSampling(request, rules)) return refused;
  if (Refused refused = CheckBesideThinking(request, prompt)) return refused;
  if (Refused refused = ReadStops(request, prompt)) return refused;
  return CheckTheRest(request);
}

}  // namespace

Refused ReadRequest(absl::string_view body, const Rules& rules, json::value& document,
                    Prompt& prompt) {
  if (body.size() > kMostBytes) return ErrorOfStatus(413, "");
  json::error_code failed;
  document = json::parse(json::string_view(body.data(), body.size()), failed, document.storage());
  if (failed || !document.is_object()) {
    return Invalid("", absl::StrCat("The request body is not valid JSON: ",
                                    failed ? failed.message() : "expected an object"));
  }
  const bool has_marks = absl::StrContains(body, "cache_control");
  return ReadFields(Fields(document.get_object(), ""), rules, has_marks, prompt);
}

}  // namespace penstock::providersim::anthropic
