#include "tests/providersim/anthropic/fields.h"

#include <algorithm>

#include "tests/providersim/anthropic/error.h"

#include "absl/strings/str_cat.h"

namespace penstock::providersim::anthropic {
namespace {

namespace json = boost::json;

absl::string_view View(json::string_view text) { return {text.data(), text.size()}; }

bool IsAmong(absl::string_view name, Names names) {
  return std::find(names.begin(), names.end(), name) != names.end();
}

// "'a', 'b' or 'c'".
std::string Listed(Names names) {
  std::string list;
  size_t left = names.size();
  for (absl::string_view name : names) {
    --left;
    absl::StrAppend(&list, "'", name, "'", left == 0 ? "" : left == 1 ? " or " : ", ");
  }
  return list;
}

}  // namespace

std::string Fields::PathOf(absl::string_view name) const {
  return path_.empty() ? std::string(name) : absl::StrCat(path_, ".", name);
}

const json::value* Fields::Find(absl::string_view name) const {
  const json::value* value = object_.if_contains({name.data(), name.size()});
  return value == nullptr || value->is_null() ? nullptr : value;
}

Refused Fields::CheckNames(Names known) const {
  for (const auto& field : object_) {
    if (IsAmong(View(field.key()), known)) continue;
    return Invalid(PathOf(View(field.key())), "Extra inputs are not permitted");
  }
  return std::nullopt;
}

Refused Fields::CheckAmong(absl::string_view name, absl::string_view found, Names allowed) const {
  if (IsAmong(found, allowed)) return std::nullopt;
  return Invalid(PathOf(name), absl::StrCat("Input should be ", Listed(allowed)));
}

Refused Fields::Missing(absl::string_view name) const {
  return Invalid(PathOf(name), "Field required");
}

Refused Fields::Wrong(absl::string_view name, absl::string_view expected) const {
  return Invalid(PathOf(name), absl::StrCat("Input should be ", expected));
}

Refused Fields::Text(absl::string_view name, absl::string_view& out) const {
  return Find(name) == nullptr ? Missing(name) : MaybeText(name, out);
}

Refused Fields::Object(absl::string_view name, const json::object*& out) const {
  return Find(name) == nullptr ? Missing(name) : MaybeObject(name, out);
}

Refused Fields::Array(absl::string_view name, const json::array*& out) const {
  const json::value* value = Find(name);
  if (value == nullptr) return Missing(name);
  out = value->if_array();
  return out == nullptr ? Wrong(name, "a valid array") : std::nullopt;
}

Refused Fields::MaybeText(absl::string_view name, absl::string_view& out) const {
  const json::value* value = Find(name);
  if (value == nullptr) return std::nullopt;
  if (!value->is_string()) return Wrong(name, "a valid string");
  out = View(value->get_string());
  return std::nullopt;
}

Refused Fields::MaybeFlag(absl::string_view name, bool& out) const {
  const json::value* value = Find(name);
  if (value == nullptr) return std::nullopt;
  if (!value->is_bool()) return Wrong(name, "a valid boolean");
  out = value->get_bool();
  return std::nullopt;
}

Refused Fields::MaybeInteger(absl::string_view name, int64_t low,
                             std::optional<int64_t>& out) const {
  const json::value* value = Find(name);
  if (value == nullptr) return std::nullopt;
  if (!value->is_int64()) return Wrong(name, "a valid integer");
  if (value->get_int64() < low) return Wrong(name, absl::StrCat("greater than or equal to ", low));
  out = value->get_int64();
  return std::nullopt;
}

Refused Fields::MaybeNumber(absl::string_view name, double low, double high) const {
  const json::value* value = Find(name);
  if (value == nullptr) return std::nullopt;
  if (!value->is_number()) return Wrong(name, "a valid number");
  const auto number = value->to_number<double>();
  if (number < low) return Wrong(name, absl::StrCat("greater than or equal to ", low));
  if (number > high) return Wrong(name, absl::StrCat("less than or equal to ", high));
  return std::nullopt;
}

Refused Fields::MaybeObject(absl::string_view name, const json::object*& out) const {
  const json::value* value = Find(name);
  if (value == nullptr) return std::nullopt;
  if (!value->is_object()) return Wrong(name, "an object");
  out = &value->get_object();
  return std::nullopt;
}

}  // namespace penstock::providersim::anthropic
