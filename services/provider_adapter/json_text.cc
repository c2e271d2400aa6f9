#include "services/provider_adapter/json_text.h"

#include <array>
#include <charconv>
#include <cstring>

#include <boost/json/monotonic_resource.hpp>
#include <boost/json/parser.hpp>
#include <boost/json/value.hpp>

#include "absl/strings/str_format.h"

namespace penstock::provider_adapter {
namespace json = boost::json;
namespace {

bool NeedsEscape(char c) { return static_cast<unsigned char>(c) < 0x20 || c == '"' || c == '\\'; }

// Where the first character is that must be escaped. A prompt is kilobytes without one, so eight
// bytes are looked at together (the "has zero byte" trick, Hacker's Delight 6-1).
size_t FirstEscape(absl::string_view text) {
  constexpr uint64_t kOnes = 0x0101010101010101;
  constexpr uint64_t kHighs = 0x8080808080808080;
  const auto has_zero = [](uint64_t word) { return (word - kOnes) & ~word & kHighs; };
  size_t at = 0;
  for (; at + 8 <= text.size(); at += 8) {
    uint64_t word = 0;
    std::memcpy(&word, text.data() + at, sizeof(word));
    const uint64_t control = (word - kOnes * 0x20) & ~word & kHighs;
    if ((control | has_zero(word ^ (kOnes * '"')) | has_zero(word ^ (kOnes * '\\'))) != 0) break;
  }
  while (at < text.size() && !NeedsEscape(text[at])) ++at;
  return at;
}

void AppendEscaped(std::string& json, char c) {
  if (c == '\n') {
    json.append("\\n");
  } else if (static_cast<unsigned char>(c) >= 0x20) {
    json.push_back('\\');
    json.push_back(c);
  } else {
    absl::StrAppendFormat(&json, "\\u%04x", c);
  }
}

}  // namespace

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

bool IsJsonObject(absl::string_view text) {
  bool object = false;
  return WithJson(text, [&](const json::value& value) { object = value.is_object(); }) && object;
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
  json.push_back('"');
  while (true) {
    const size_t clean = FirstEscape(text);
    json.append(text.data(), clean);
    if (clean == text.size()) break;
    AppendEscaped(json, text[clean]);
    text.remove_prefix(clean + 1);
  }
  json.push_back('"');
}

void AppendJsonNumber(std::string& json, double number) {
  std::array<char, 32> digits;
  const auto result = std::to_chars(digits.data(), digits.data() + digits.size(), number);
  json.append(digits.data(), result.ptr);
}

}  // namespace penstock::provider_adapter
