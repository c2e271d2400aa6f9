#include "services/provider_adapter/json_text.h"

#include <array>
#include <charconv>
#include <limits>

#include <boost/json/monotonic_resource.hpp>
#include <boost/json/parser.hpp>
#include <boost/json/value.hpp>

#include "absl/strings/str_format.h"

namespace penstock::provider_adapter {
namespace json = boost::json;

bool WithJson(absl::string_view text, absl::FunctionRef<void(const json::value&)> read) {
  std::array<unsigned char, 8192> memory;
  std::array<unsigned char, 2048> stack;
  json::monotonic_resource resource(memory.data(), memory.size());
  json::parse_options options;
  options.allow_invalid_utf8 = true;
  json::parser parser(json::storage_ptr(), options, stack.data(), stack.size());
  parser.reset(&resource);
  boost::system::error_code error;
  parser.write(text.data(), text.size(), error);
  if (error) return false;
  const json::value value = parser.release();
  read(value);
  return true;
}

const json::value* Member(const json::value* value, absl::string_view name) {
  const json::object* object = value == nullptr ? nullptr : value->if_object();
  return object == nullptr ? nullptr : object->if_contains({name.data(), name.size()});
}

absl::string_view StringMember(const json::value* value, absl::string_view name) {
  const json::value* member = Member(value, name);
  const json::string* text = member == nullptr ? nullptr : member->if_string();
  return text == nullptr ? absl::string_view() : absl::string_view(text->data(), text->size());
}

std::optional<int64_t> CountMember(const json::value* value, absl::string_view name) {
  const json::value* member = Member(value, name);
  if (member == nullptr) return std::nullopt;
  // A positive number that fits is always an int64 in Boost.JSON.
  const int64_t* count = member->if_int64();
  return count != nullptr && *count >= 0 ? std::optional(*count) : std::nullopt;
}

void AppendJsonString(std::string& json, absl::string_view text) {
  json.reserve(json.size() + text.size() + 2);
  json.push_back('"');
  size_t copied = 0;
  for (size_t i = 0; i < text.size(); ++i) {
    const auto c = static_cast<unsigned char>(text[i]);
    if (c >= 0x20 && c != '"' && c != '\\') continue;
    json.append(text.data() + copied, i - copied);
    copied = i + 1;
    if (c == '\n') {
      json.append("\\n");
    } else if (c >= 0x20) {
      json.push_back('\\');
      json.push_back(static_cast<char>(c));
    } else {
      absl::StrAppendFormat(&json, "\\u%04x", c);
    }
  }
  json.append(text.data() + copied, text.size() - copied);
  json.push_back('"');
}

void AppendJsonNumber(std::string& json, double number) {
  std::array<char, 32> digits;
  const auto result = std::to_chars(digits.data(), digits.data() + digits.size(), number);
  json.append(digits.data(), result.ptr);
}

}  // namespace penstock::provider_adapter
