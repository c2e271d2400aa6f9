// What every provider takes as an image. Pure.
#pragma once

#include "absl/strings/string_view.h"

namespace penstock::host {

// For a refusal.
inline constexpr absl::string_view kImageTypes = "image/png, image/jpeg, image/gif or image/webp";

// One of the four, exactly as it stands there.
bool IsImageType(absl::string_view media_type);

// Which of the four a file is, by the bytes it begins with; "" for anything else.
absl::string_view ImageTypeOf(absl::string_view file);

// "https://" and a host, without a user, in visible ASCII, at most kMaxImageUrlBytes.
bool IsImageUrl(absl::string_view url);
inline constexpr size_t kMaxImageUrlBytes = 2048;

}  // namespace penstock::host
