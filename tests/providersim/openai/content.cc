#include "tests/providersim/openai/content.h"

#include <boost/json/value.hpp>

#include "tests/providersim/image_bytes.h"
#include "tests/providersim/openai/error.h"

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/strip.h"

namespace penstock::providersim::openai {
namespace {

namespace json = boost::json;

absl::string_view View(json::string_view text) { return {text.data(), text.size()}; }

// "" when it is not there or no string.
absl::string_view TextOf(const json::object& object, absl::string_view name) {
  const json::value* value = object.if_contains({name.data(), name.size()});
  return value == nullptr || !value->is_string() ? "" : View(value->get_string());
}

Refused CheckDataUrl(absl::string_view url, const std::string& param) {
  const size_t comma = url.find(',');
  absl::string_view media_type = url.substr(0, comma);
  if (comma == absl::string_view::npos || !absl::ConsumeSuffix(&media_type, ";base64")) {
    return Refuse("Invalid base64 image_url.", param, "invalid_base64");
  }
  const absl::string_view data = url.substr(comma + 1);
  if (!IsBase64(data)) return Refuse("Invalid base64 image_url.", param, "invalid_base64");
  if (IsImageType(media_type)) return std::nullopt;
  return Refuse(
      "You uploaded an unsupported image. Please make sure your image has of one of the following "
      "formats: ['png', 'jpeg', 'gif', 'webp'].",
      param, "invalid_image_format");
}

Refused ReadImage(const json::object& part, absl::string_view param, PromptMessage& out) {
  if (out.role != "user") {
    return Refuse(absl::StrCat("Invalid 'messages'. Image URLs are only allowed for messages with "
                               "role 'user', but this message with role '",
                               out.role, "' contains an image URL."),
                  param, "invalid_value");
  }
  const json::value* image = part.if_contains("image_url");
  if (image == nullptr || !image->is_object()) return WrongType(param, "an object 'image_url'");
  const std::string where = absl::StrCat(param, ".image_url.url");
  absl::string_view url = TextOf(image->get_object(), "url");
  const absl::string_view detail = TextOf(image->get_object(), "detail");
  if (!detail.empty() && detail != "auto" && detail != "low" && detail != "high") {
    return Refuse(absl::StrCat("Invalid value: '", detail,
                               "'. Supported values are: 'auto', 'low', and 'high'."),
                  absl::StrCat(param, ".image_url.detail"), "invalid_value");
  }
  out.other_tokens += detail == "low" ? kLowDetailImageTokens : kImageTokens;
  if (absl::ConsumePrefix(&url, "data:")) return CheckDataUrl(url, where);
  if (absl::StartsWith(url, "https://") || absl::StartsWith(url, "http://")) return std::nullopt;
  return Refuse(absl::StrCat("Invalid '", where,
                             "'. Expected a valid URL, but got a value with an "
                             "invalid format."),
                where, "invalid_image_url");
}

Refused ReadPart(const json::value& value, absl::string_view param, PromptMessage& out) {
  const json::object* part = value.if_object();
  const absl::string_view type = part == nullptr ? "" : TextOf(*part, "type");
  if (type.empty()) return WrongType(param, "an array of content parts");
  if (type == "image_url") return ReadImage(*part, param, out);
  if (type != "text" && type != "refusal") {
    return Refuse(absl::StrCat("Invalid content type. providersim reads 'text' and 'image_url', "
                               "found '",
                               type, "'."),
                  param, "invalid_value");
  }
  const json::value* text = part->if_contains(json::string_view(type.data(), type.size()));
  if (text == nullptr || !text->is_string()) return WrongType(param, "parts with a text string");
  out.parts.push_back(View(text->get_string()));
  return std::nullopt;
}

}  // namespace

Refused ReadContent(const json::object& message, absl::string_view param, PromptMessage& out) {
  const json::value* content = message.if_contains("content");
  const bool may_be_empty = !out.calls.empty() || message.contains("refusal");
  const std::string where = absl::StrCat(param, ".content");
  if (content == nullptr || content->is_null()) {
    if (may_be_empty) return std::nullopt;
    return Refuse("Invalid value for 'content': expected a string, got null.", where, "");
  }
  if (const json::array* parts = content->if_array()) {
    for (const json::value& part : *parts) {
      if (Refused refused = ReadPart(part, where, out)) return refused;
    }
    return std::nullopt;
  }
  if (!content->is_string()) return WrongType(where, "a string or array");
  out.parts.push_back(View(content->get_string()));
  return std::nullopt;
}

}  // namespace penstock::providersim::openai
