// Images in a request: what both formats check of them.
#pragma once

#include "absl/strings/string_view.h"

namespace penstock::providersim {

// image/jpeg, image/png, image/gif or image/webp.
bool IsImageType(absl::string_view media_type);

// Not empty, of the standard alphabet, padded, without white space.
bool IsBase64(absl::string_view text);

// The type that the first bytes of an image tell, of base64; empty when they tell none of the four.
absl::string_view TypeOfImage(absl::string_view base64);

}  // namespace penstock::providersim
