// Files of keys and secrets.
#pragma once

#include <string>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"

namespace penstock::cli {

// The text of a file of at most 64 KiB, without white space at its end. NOT_FOUND or another code
// that says why it cannot be read.
absl::StatusOr<std::string> ReadKeyFile(const std::string& path);

// Makes a file with these permissions. ALREADY_EXISTS rather than overwrite one.
absl::Status WriteNewFile(const std::string& path, absl::string_view text, int permissions);

}  // namespace penstock::cli
