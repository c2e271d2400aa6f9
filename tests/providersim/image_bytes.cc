#include "tests/providersim/image_bytes.h"

#include <algorithm>
#include <string>

#include "absl/strings/ascii.h"
#include "absl/strings/escaping.h"
#include "absl/strings/match.h"

namespace penstock::providersim {

bool IsImageType(absl::string_view media_type) {
  return media_type == "image/jpeg" || media_type == "image/png" || media_type == "image/gif" ||
         media_type == "image/webp";
}

bool IsBase64(absl::string_view text) {
  if (text.empty() || text.size() % 4 != 0) return false;
  size_t padding = 0;
  while (padding < 2 && text[text.size() - 1 - padding] == '=') ++padding;
  text.remove_suffix(padding);
  return std::all_of(text.begin(), text.end(),
                     [](char c) { return absl::ascii_isalnum(c) || c == '+' || c == '/'; });
}

absl::string_view TypeOfImage(absl::string_view base64) {
  // 12 bytes: what the longest signature (RIFF....WEBP) takes.
  std::string head;
  if (!absl::Base64Unescape(base64.substr(0, 16), &head)) return "";
  if (absl::StartsWith(head, "\x89PNG\r\n\x1a\n")) return "image/png";
  if (absl::StartsWith(head, "\xff\xd8\xff")) return "image/jpeg";
  if (absl::StartsWith(head, "GIF87a") || absl::StartsWith(head, "GIF89a")) return "image/gif";
  if (absl::StartsWith(head, "RIFF") &&
      head.substr(std::min<size_t>(8, head.size()), 4) == "WEBP") {
    return "image/webp";
  }
  return "";
}

}  // namespace penstock::providersim
