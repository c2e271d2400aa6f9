#include "libs/host/image_shape.h"

#include <algorithm>

#include "libs/base/failpoint.h"

#include "absl/strings/ascii.h"
#include "absl/strings/match.h"
#include "absl/strings/strip.h"

namespace penstock::host {
namespace {

constexpr absl::string_view kPng = "\x89PNG\r\n\x1a\n";
constexpr absl::string_view kJpeg = "\xff\xd8\xff";
// RIFF, the length of the file, WEBP.
constexpr absl::string_view kRiff = "RIFF";
constexpr absl::string_view kWebp = "WEBP";
constexpr size_t kRiffLengthBytes = 4;

}  // namespace

bool IsImageType(absl::string_view media_type) {
  return media_type == "image/png" || media_type == "image/jpeg" || media_type == "image/gif" ||
         media_type == "image/webp";
}

absl::string_view ImageTypeOf(absl::string_view file) {
  if (absl::StartsWith(file, kPng)) return "image/png";
  if (absl::StartsWith(file, kJpeg)) return "image/jpeg";
  if (absl::StartsWith(file, "GIF87a") || absl::StartsWith(file, "GIF89a")) return "image/gif";
  constexpr size_t kHeaderBytes = kRiff.size() + kRiffLengthBytes;
  const bool whole_header =
      file.size() > kHeaderBytes || PENSTOCK_PLANTED_BUG("planted.riff_header");
  const bool webp = absl::StartsWith(file, kRiff) && whole_header &&
                    absl::StartsWith(file.substr(kHeaderBytes), kWebp);
  return webp ? "image/webp" : "";
}

bool IsImageUrl(absl::string_view url) {
  const bool visible = std::all_of(url.begin(), url.end(), [](char c) {
    return absl::ascii_isgraph(static_cast<unsigned char>(c));
  });
  if (!visible || url.size() > kMaxImageUrlBytes || !absl::ConsumePrefix(&url, "https://")) {
    return false;
  }
  const absl::string_view authority = url.substr(0, url.find_first_of("/?#"));
  return !authority.empty() && authority.front() != ':' && !absl::StrContains(authority, '@');
}

}  // namespace penstock::host
