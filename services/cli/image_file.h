// Images that go along with what is said.
#pragma once

#include <string>

#include "penstock/chat/v1/message.pb.h"

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"

namespace penstock::cli {

// "image/png", "image/jpeg", "image/gif" or "image/webp", by the file's first bytes; "" for
// everything else.
absl::string_view ImageTypeOf(absl::string_view bytes);

// The file, with its media type. A usage error when it cannot be read, is larger than a request may
// be (1 MiB), or is no image of these types.
absl::StatusOr<chat::v1::Image> ReadImage(const std::string& path);

// "[image image/png 12 KB]", "[image https://…]": without characters that move the cursor.
std::string ImageText(const chat::v1::Image& image);

}  // namespace penstock::cli
