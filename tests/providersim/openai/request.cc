#include "tests/providersim/openai/request.h"

#include <algorithm>
#include <iterator>

#include <boost/json/parse.hpp>
#include <boost/json/parse_options.hpp>

#include "tests/providersim/openai/content.h"
#include "tests/providersim/openai/error.h"
#include "tests/providersim/openai/tools.h"

#include "absl/strings/str_cat.h"

namespace penstock::providersim::openai {
namespace {

namespace json = boost::json;

constexpr absl::string_view kParameters[] = {"audio",
                                             "frequency_penalty",
                                             "function_call",
                                             "functions",
                                             "logit_bias",
                                             "logprobs",
                                             "max_completion_tokens",
                                             "max_tokens",
                                             "messages",
                                             "metadata",
                                             "modalities",
                                             "model",
                                             "n",
                                             "parallel_tool_calls",
                                             "prediction",
                                             "presence_penalty",
                                             "prompt_cache_key",
                                             "prompt_cache_options",
                                             "reasoning_effort",
                                             "response_format",
                                             "safety_identifier",
                                             "seed",
                                             "service_tier",
                                             "stop",
                                             "store",
                                             "stream",
                                             "stream_options",
                                             "temperature",
                                             "tool_choice",
                                             "tools",
                                             "top_logprobs",
                                             "top_p",
                                             "user",
                                             "verbosity",
                                             "web_search_options"};

absl::string_view View(json::string_view text) { return {text.data(), text.size()}; }

Refused CheckNames(const json::object& body) {
  for (const auto& field : body) {
    const absl::string_view name = View(field.key());
    if (!std::binary_search(std::begin(kParameters), std::end(kParameters), name)) {
      return Refuse(absl::StrCat("Unrecognized request argument supplied: ", name), "", "");
    }
  }
  return std::nullopt;
}

Refused ReadFlag(const json::object& object, absl::string_view name, bool& out) {
  const json::value* value = object.if_contains(json::string_view(name.data(), name.size()));
  if (value == nullptr || value->is_null()) return std::nullopt;
  if (!value->is_bool()) return WrongType(name, "a boolean");
  out = value->get_bool();
  return std::nullopt;
}

Refused CheckRange(const json::object& body, absl::string_view name, double low, double high) {
  const json::value* value = body.if_contains(json::string_view(name.data(), name.size()));
  if (value == nullptr || value->is_null()) return std::nullopt;
  if (!value->is_number()) return WrongType(name, "a decimal");
  const double number = value->to_number<double>();
  if (number < low) {
    return Refuse(
        absl::StrCat("Invalid '", name, "': decimal below minimum value. Expected a value >= ", low,
                     ", but got ", number, " instead."),
        name, "decimal_below_min_value");
  }
  if (number > high) {
    return Refuse(absl::StrCat("Invalid '", name,
                               "': decimal above maximum value. Expected a value <= ", high,
                               ", but got ", number, " instead."),
                  name, "decimal_above_max_value");
  }
  return std::nullopt;
}

Refused ReadLimit(const json::object& body, absl::string_view name, std::optional<int64_t>& out) {
  const json::value* value = body.if_contains(json::string_view(name.data(), name.size()));
  if (value == nullptr || value->is_null()) return std::nullopt;
  if (!value->is_int64()) return WrongType(name, "an integer");
  if (value->get_int64() < 1) {
    return Refuse(absl::StrCat("Invalid '", name,
                               "': integer below minimum value. Expected a value >= 1, but got ",
                               value->get_int64(), " instead."),
                  name, "integer_below_min_value");
  }
  out = value->get_int64();
  return std::nullopt;
}

Refused ReadMessage(const json::value& value, size_t index, PromptMessage& out) {
  const std::string param = absl::StrCat("messages[", index, "]");
  const json::object* object = value.if_object();
  if (object == nullptr) return WrongType(param, "an object");
  const json::value* role = object->if_contains("role");
  if (role == nullptr || !role->is_string()) {
    return Refuse(absl::StrCat("Missing required parameter: '", param, ".role'."),
                  absl::StrCat(param, ".role"), "missing_required_parameter");
  }
  out.role = View(role->get_string());
  if (out.role != "developer" && out.role != "system" && out.role != "user" &&
      out.role != "assistant" && out.role != "tool") {
    return Refuse(absl::StrCat("Invalid value: '", out.role,
                               "'. Supported values are: 'system', 'assistant', 'user', 'tool', "
                               "and 'developer'."),
                  absl::StrCat(param, ".role"), "invalid_value");
  }
  if (Refused refused = ReadMessageTools(*object, index, out)) return refused;
  return ReadContent(*object, param, out);
}

Refused ReadMessages(const json::object& body, Prompt& out) {
  const json::value* messages = body.if_contains("messages");
  if (messages == nullptr) {
    return Refuse("Missing required parameter: 'messages'.", "messages",
                  "missing_required_parameter");
  }
  const json::array* list = messages->if_array();
  if (list == nullptr) return WrongType("messages", "an array of objects");
  if (list->empty()) {
    return Refuse(
        "Invalid 'messages': empty array. Expected an array with minimum length 1, but got an "
        "empty array instead.",
        "messages", "empty_array");
  }
  out.messages.resize(list->size());
  for (size_t i = 0; i < list->size(); ++i) {
    if (Refused refused = ReadMessage((*list)[i], i, out.messages[i])) return refused;
  }
  return CheckToolHistory(out.messages);
}

Refused ReadStop(const json::object& body, Prompt& out) {
  const json::value* stop = body.if_contains("stop");
  if (stop == nullptr || stop->is_null()) return std::nullopt;
  if (stop->is_string()) {
    out.stop.push_back(View(stop->get_string()));
    return std::nullopt;
  }
  const json::array* list = stop->if_array();
  if (list == nullptr) return WrongType("stop", "a string or an array of strings");
  if (list->size() > 4) {
    return Refuse(absl::StrCat("Invalid 'stop': array too long. Expected an array with maximum "
                               "length 4, but got an array with length ",
                               list->size(), " instead."),
                  "stop", "array_above_max_length");
  }
  for (const json::value& sequence : *list) {
    if (!sequence.is_string()) return WrongType("stop", "an array of strings");
    out.stop.push_back(View(sequence.get_string()));
  }
  return std::nullopt;
}

Refused ReadStream(const json::object& body, Prompt& out) {
  if (Refused refused = ReadFlag(body, "stream", out.stream)) return refused;
  const json::value* options = body.if_contains("stream_options");
  if (options == nullptr || options->is_null()) return std::nullopt;
  if (!out.stream) {
    return Refuse("The 'stream_options' parameter is only allowed when 'stream' is enabled.",
                  "stream_options", "");
  }
  const json::object* object = options->if_object();
  if (object == nullptr) return WrongType("stream_options", "an object");
  if (Refused refused = ReadFlag(*object, "include_usage", out.include_usage)) return refused;
  return ReadFlag(*object, "include_obfuscation", out.include_obfuscation);
}

Refused CheckSampling(const json::object& body) {
  if (Refused refused = CheckRange(body, "temperature", 0, 2)) return refused;
  if (Refused refused = CheckRange(body, "top_p", 0, 1)) return refused;
  if (Refused refused = CheckRange(body, "presence_penalty", -2, 2)) return refused;
  if (Refused refused = CheckRange(body, "frequency_penalty", -2, 2)) return refused;
  return CheckRange(body, "n", 1, 1);
}

Refused ReadBody(const json::object& body, Prompt& out) {
  if (Refused refused = CheckNames(body)) return refused;
  const json::value* model = body.if_contains("model");
  if (model == nullptr || !model->is_string() || model->get_string().empty()) {
    return Refuse("you must provide a model parameter", "", "");
  }
  out.model = View(model->get_string());
  if (Refused refused = ReadMessages(body, out)) return refused;
  if (Refused refused = ReadTools(body, out.tools)) return refused;
  if (Refused refused = ReadStream(body, out)) return refused;
  if (Refused refused = ReadLimit(body, "max_tokens", out.max_tokens)) return refused;
  if (Refused refused = ReadLimit(body, "max_completion_tokens", out.max_tokens)) return refused;
  if (Refused refused = CheckSampling(body)) return refused;
  return ReadStop(body, out);
}

}  // namespace

Refused ReadRequest(absl::string_view body, json::value& document, Prompt& prompt) {
  json::error_code failed;
  document = json::parse(json::string_view(body.data(), body.size()), failed, document.storage());
  if (failed || !document.is_object()) {
    return Refuse(
        "We could not parse the JSON body of your request. (HINT: This likely means you aren't "
        "using your HTTP library correctly. The API expects a JSON payload, but what was sent was "
        "not valid JSON.)",
        "", "");
  }
  return ReadBody(document.get_object(), prompt);
}

}  // namespace penstock::providersim::openai
