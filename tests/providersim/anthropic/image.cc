#include "tests/providersim/anthropic/image.h"

#include <string>

#include "tests/providersim/anthropic/error.h"
#include "tests/providersim/image_bytes.h"

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"

namespace penstock::providersim::anthropic {
namespace {

constexpr size_t kMostBytes = 5 * 1024 * 1024;

Refused ReadBase64(const Fields& source) {
  absl::string_view media_type;
  absl::string_view data;
  if (Refused refused = source.CheckNames({"type", "media_type", "data"})) return refused;
  if (Refused refused = source.Text("media_type", media_type)) return refused;
  if (Refused refused = source.CheckAmong("media_type", media_type,
                                          {"image/jpeg", "image/png", "image/gif", "image/webp"})) {
    return refused;
  }
  if (Refused refused = source.Text("data", data)) return refused;
  if (data.size() > kMostBytes) {
    return Invalid(source.path(), absl::StrCat("image exceeds 5 MB maximum: ", data.size(),
                                               " bytes > ", kMostBytes, " bytes"));
  }
  if (!IsBase64(data)) return Invalid(source.PathOf("data"), "Invalid base64 data");
  const absl::string_view seen = TypeOfImage(data);
  if (seen.empty() || seen == media_type) return std::nullopt;
  return Invalid(source.path(),
                 absl::StrCat("The image was specified using the ", media_type,
                              " media type, but the image appears to be a ", seen, " image"));
}

}  // namespace

Refused ReadImage(const Fields& block) {
  const boost::json::object* object = nullptr;
  if (Refused refused = block.CheckNames({"type", "source", "cache_control"})) return refused;
  if (Refused refused = block.Object("source", object)) return refused;
  const Fields source(*object, block.PathOf("source"));
  absl::string_view type;
  absl::string_view url;
  if (Refused refused = source.Text("type", type)) return refused;
  if (Refused refused = source.CheckAmong("type", type, {"base64", "url"})) return refused;
  if (type == "base64") return ReadBase64(source);
  if (Refused refused = source.CheckNames({"type", "url"})) return refused;
  if (Refused refused = source.Text("url", url)) return refused;
  if (absl::StartsWith(url, "https://")) return std::nullopt;
  return Invalid(source.PathOf("url"), "Only HTTPS URLs are supported.");
}

}  // namespace penstock::providersim::anthropic
