#include "services/cli/image_file.h"

#include <algorithm>
#include <fstream>

#include "libs/host/image_shape.h"
#include "services/cli/command_line.h"

#include "absl/strings/ascii.h"
#include "absl/strings/str_cat.h"

namespace penstock::cli {
namespace {

// What the gateway takes as a request; the text stands beside the image.
constexpr size_t kMaxImageBytes = 1 << 20;

std::string SizeText(size_t bytes) {
  if (bytes < 1000) return absl::StrCat(bytes, " B");
  return absl::StrCat((bytes + 500) / 1000, " KB");
}

}  // namespace

absl::StatusOr<chat::v1::Image> ReadImage(const std::string& path) {
  std::ifstream file(path, std::ios::binary);
  std::string bytes(kMaxImageBytes + 1, '\0');
  file.read(bytes.data(), static_cast<std::streamsize>(bytes.size()));
  if (!file.eof() && !file) return UsageError(absl::StrCat("--image: cannot read ", path));
  bytes.resize(static_cast<size_t>(file.gcount()));
  if (bytes.size() > kMaxImageBytes) {
    return UsageError(
        absl::StrCat("--image: ", path, ": more than 1 MiB, which a request may have"));
  }
  const absl::string_view type = host::ImageTypeOf(bytes);
  if (type.empty()) {
    return UsageError(
        absl::StrCat("--image: ", path, ": expected a file of type ", host::kImageTypes));
  }
  chat::v1::Image image;
  image.set_media_type(std::string(type));
  image.set_data(std::move(bytes));
  return image;
}

std::string ImageText(const chat::v1::Image& image) {
  std::string text = image.has_url() ? absl::StrCat("[image ", image.url(), "]")
                                     : absl::StrCat("[image ", image.media_type(), " ",
                                                    SizeText(image.data().size()), "]");
  std::replace_if(
      text.begin(), text.end(),
      [](char byte) { return absl::ascii_iscntrl(static_cast<unsigned char>(byte)); }, '?');
  return text;
}

}  // namespace penstock::cli
