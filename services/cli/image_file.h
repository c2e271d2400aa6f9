// Images that go along with what is said.
#pragma once

#include <string>

#include "penstock/chat/v1/message.pb.h"

#include "absl/status/statusor.h"

namespace penstock::cli {

// The file, with its media type by its first bytes. A usage error when it cannot be read, is larger
// than a request may be (1 MiB), or is no PNG, JPEG, GIF or WebP.
absl::StatusOr<chat::v1::Image> ReadImage(const std::string& path);

// "[image image/png 12 KB]", "[image https://…]": without characters that move the cursor.
std::string ImageText(const chat::v1::Image& image);

}  // namespace penstock::cli
