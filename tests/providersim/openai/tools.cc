#include "tests/providersim/openai/tools.h"

#include <algorithm>

#include <boost/json/serialize.hpp>
#include <boost/json/value.hpp>

#include "tests/providersim/openai/error.h"

#include "absl/strings/ascii.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"

namespace penstock::providersim::openai {
namespace {

namespace json = boost::json;

constexpr size_t kMaxTools = 128;
constexpr size_t kMaxNameBytes = 64;

const json::value* Member(const json::object& object, absl::string_view name) {
  const json::value* value = object.if_contains({name.data(), name.size()});
  return value == nullptr || value->is_null() ? nullptr : value;
}

// "" when it is no string.
absl::string_view Text(const json::object& object, absl::string_view name) {
  const json::value* value = Member(object, name);
  if (value == nullptr || !value->is_string()) return "";
  return {value->get_string().data(), value->get_string().size()};
}

ApiError Missing(absl::string_view param) {
  return Refuse(absl::StrCat("Missing required parameter: '", param, "'."), param,
                "missing_required_parameter");
}

ApiError EmptyArray(absl::string_view param) {
  return Refuse(absl::StrCat("Invalid '", param,
                             "': empty array. Expected an array with minimum length 1, but got an "
                             "empty array instead."),
                param, "empty_array");
}

Refused CheckName(absl::string_view name, const std::string& param) {
  if (name.empty()) return Missing(param);
  if (name.size() > kMaxNameBytes) {
    return Refuse(absl::StrCat("Invalid '", param,
                               "': string too long. Expected a string with maximum length 64, but "
                               "got a string with length ",
                               name.size(), " instead."),
                  param, "string_above_max_length");
  }
  const bool fits = std::all_of(name.begin(), name.end(), [](char c) {
    return absl::ascii_isalnum(c) || c == '_' || c == '-';
  });
  if (fits) return std::nullopt;
  return Refuse(absl::StrCat("Invalid '", param,
                             "': string does not match pattern. Expected a string that matches the "
                             "pattern '^[a-zA-Z0-9_-]+$'."),
                param, "invalid_value");
}

ApiError BadSchema(absl::string_view name, absl::string_view what, const std::string& param) {
  return Refuse(absl::StrCat("Invalid schema for function '", name, "': ", what), param,
                "invalid_function_parameters");
}

// A strict schema names every property as required and allows no other.
Refused CheckStrict(absl::string_view name, const json::object& schema, const std::string& param) {
  const json::value* others = Member(schema, "additionalProperties");
  if (others == nullptr || !others->is_bool() || others->get_bool()) {
    return BadSchema(name,
                     "In context=(), 'additionalProperties' is required to be supplied and to be "
                     "false.",
                     param);
  }
  const json::value* properties = Member(schema, "properties");
  const json::value* required = Member(schema, "required");
  if (properties == nullptr || !properties->is_object()) return std::nullopt;
  const bool list = required != nullptr && required->is_array();
  for (const auto& property : properties->get_object()) {
    const bool named =
        list && std::any_of(required->get_array().begin(), required->get_array().end(),
                            [&](const auto& key) {
                              return key.is_string() && key.get_string() == property.key();
                            });
    if (!named) {
      return BadSchema(
          name,
          absl::StrCat("In context=(), 'required' is required to be supplied and to "
                       "be an array including every key in properties. Missing '",
                       absl::string_view(property.key().data(), property.key().size()), "'."),
          param);
    }
  }
  return std::nullopt;
}

Refused CheckParameters(absl::string_view name, const json::object& function,
                        const std::string& param) {
  const json::value* strict = Member(function, "strict");
  if (strict != nullptr && !strict->is_bool()) return WrongType(param + ".strict", "a boolean");
  const json::value* parameters = Member(function, "parameters");
  if (parameters == nullptr) return std::nullopt;
  const std::string where = param + ".parameters";
  if (!parameters->is_object()) return WrongType(where, "an object");
  const json::object& schema = parameters->get_object();
  if (Text(schema, "type") != "object") {
    return BadSchema(name, "schema must be a JSON Schema of 'type: \"object\"'.", where);
  }
  return strict != nullptr && strict->get_bool() ? CheckStrict(name, schema, where) : std::nullopt;
}

Refused ReadTool(const json::value& value, size_t index, OfferedTools& out) {
  const std::string param = absl::StrCat("tools[", index, "]");
  if (!value.is_object()) return WrongType(param, "an object");
  if (Text(value.get_object(), "type") != "function") {
    return Refuse("Invalid value. Supported values are: 'function'.", param + ".type",
                  "invalid_value");
  }
  const json::value* function = Member(value.get_object(), "function");
  if (function == nullptr || !function->is_object()) return Missing(param + ".function");
  const absl::string_view name = Text(function->get_object(), "name");
  if (Refused refused = CheckName(name, param + ".function.name")) return refused;
  if (Refused refused = CheckParameters(name, function->get_object(), param + ".function")) {
    return refused;
  }
  out.names.push_back(name);
  out.bytes += json::serialize(*function).size();
  return std::nullopt;
}

Refused ReadChoice(const json::value& choice, OfferedTools& out) {
  if (choice.is_string()) {
    out.choice = {choice.get_string().data(), choice.get_string().size()};
    if (out.choice == "auto" || out.choice == "none" || out.choice == "required") {
      return std::nullopt;
    }
    return Refuse(absl::StrCat("Invalid value: '", out.choice,
                               "'. Supported values are: 'none', 'auto', and 'required'."),
                  "tool_choice", "invalid_value");
  }
  const json::value* function =
      choice.is_object() ? Member(choice.get_object(), "function") : nullptr;
  if (function == nullptr || !function->is_object()) return Missing("tool_choice.function");
  out.tool = Text(function->get_object(), "name");
  if (std::find(out.names.begin(), out.names.end(), out.tool) != out.names.end()) {
    return std::nullopt;
  }
  return Refuse(absl::StrCat("Tool choice '", out.tool, "' not found in 'tools' parameter."),
                "tool_choice", "");
}

Refused ReadCall(const json::value& value, const std::string& param, PromptMessage& out) {
  if (!value.is_object()) return WrongType(param, "an object");
  const json::value* function = Member(value.get_object(), "function");
  const absl::string_view id = Text(value.get_object(), "id");
  if (id.empty()) return Missing(param + ".id");
  if (Text(value.get_object(), "type") != "function") return Missing(param + ".type");
  if (function == nullptr || !function->is_object()) return Missing(param + ".function");
  const absl::string_view name = Text(function->get_object(), "name");
  if (Refused refused = CheckName(name, param + ".function.name")) return refused;
  const json::value* arguments = Member(function->get_object(), "arguments");
  if (arguments == nullptr) return Missing(param + ".function.arguments");
  if (!arguments->is_string()) return WrongType(param + ".function.arguments", "a string");
  out.calls.push_back({id, name, Text(function->get_object(), "arguments")});
  return std::nullopt;
}

}  // namespace

Refused ReadTools(const json::object& body, OfferedTools& out) {
  const json::value* tools = Member(body, "tools");
  const json::value* choice = Member(body, "tool_choice");
  const json::value* parallel = Member(body, "parallel_tool_calls");
  if (tools == nullptr) {
    for (absl::string_view name : {"tool_choice", "parallel_tool_calls"}) {
      if (Member(body, name) == nullptr) continue;
      return Refuse(absl::StrCat("Invalid value for '", name, "': '", name,
                                 "' is only allowed when 'tools' are specified."),
                    name, "");
    }
    return std::nullopt;
  }
  if (!tools->is_array()) return WrongType("tools", "an array of objects");
  const json::array& list = tools->get_array();
  if (list.empty()) return EmptyArray("tools");
  if (list.size() > kMaxTools) {
    return Refuse(absl::StrCat("Invalid 'tools': array too long. Expected an array with maximum "
                               "length 128, but got an array with length ",
                               list.size(), " instead."),
                  "tools", "array_above_max_length");
  }
  for (size_t i = 0; i < list.size(); ++i) {
    if (Refused refused = ReadTool(list[i], i, out)) return refused;
  }
  if (parallel != nullptr && !parallel->is_bool()) {
    return WrongType("parallel_tool_calls", "a boolean");
  }
  out.parallel = parallel == nullptr || parallel->get_bool();
  return choice == nullptr ? std::nullopt : ReadChoice(*choice, out);
}

Refused ReadMessageTools(const json::object& message, size_t index, PromptMessage& out) {
  const std::string param = absl::StrCat("messages[", index, "]");
  if (out.role == "tool") {
    out.tool_call_id = Text(message, "tool_call_id");
    if (!out.tool_call_id.empty()) return std::nullopt;
    return Refuse(
        "Missing parameter 'tool_call_id': messages with role 'tool' must have a 'tool_call_id'.",
        absl::StrCat("messages.[", index, "].tool_call_id"), "");
  }
  const json::value* calls = Member(message, "tool_calls");
  if (calls == nullptr || out.role != "assistant") return std::nullopt;
  if (!calls->is_array()) return WrongType(param + ".tool_calls", "an array of objects");
  const json::array& list = calls->get_array();
  if (list.empty()) return EmptyArray(param + ".tool_calls");
  for (size_t i = 0; i < list.size(); ++i) {
    if (Refused refused = ReadCall(list[i], absl::StrCat(param, ".tool_calls[", i, "]"), out)) {
      return refused;
    }
  }
  return std::nullopt;
}

Refused CheckToolHistory(const std::vector<PromptMessage>& messages) {
  // Ids of calls that wait for their results.
  std::vector<absl::string_view> open;
  bool after_calls = false;
  const auto param = [](size_t index, absl::string_view member) {
    return absl::StrCat("messages.[", index, "].", member);
  };
  const auto unanswered = [&](size_t index) {
    return Refuse(absl::StrCat("An assistant message with 'tool_calls' must be followed by tool "
                               "messages responding to each 'tool_call_id'. The following "
                               "tool_call_ids did not have response messages: ",
                               absl::StrJoin(open, ", ")),
                  param(index, "role"), "");
  };
  for (size_t i = 0; i < messages.size(); ++i) {
    const PromptMessage& message = messages[i];
    if (message.role != "tool") {
      if (!open.empty()) return unanswered(i);
      for (const CalledTool& call : message.calls) open.push_back(call.id);
      after_calls = !message.calls.empty();
      continue;
    }
    if (!after_calls) {
      return Refuse(
          "Invalid parameter: messages with role 'tool' must be a response to a preceeding message "
          "with 'tool_calls'.",
          param(i, "role"), "");
    }
    const auto call = std::find(open.begin(), open.end(), message.tool_call_id);
    if (call == open.end()) {
      return Refuse(absl::StrCat("Invalid parameter: 'tool_call_id' of '", message.tool_call_id,
                                 "' not found in 'tool_calls' of previous message."),
                    param(i, "tool_call_id"), "");
    }
    open.erase(call);
  }
  if (!open.empty()) return unanswered(messages.size());
  return std::nullopt;
}

}  // namespace penstock::providersim::openai
