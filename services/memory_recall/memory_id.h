// Ids of memories: UUIDv7, 36 characters outside, 16 bytes in keys and tokens. Both sort by time.
#pragma once

#include <string>

#include "absl/strings/string_view.h"

namespace penstock::memory_recall {

// True for lower-case hex digits in groups of 8-4-4-4-12.
bool IsMemoryId(absl::string_view id);

// `id` must be one.
std::string BytesOfId(absl::string_view id);
// `bytes` must be 16.
std::string IdOfBytes(absl::string_view bytes);

}  // namespace penstock::memory_recall
