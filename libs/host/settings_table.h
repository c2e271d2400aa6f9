// The table of all settings, made from the schema itself.
#pragma once

#include <string>

#include <google/protobuf/descriptor.pb.h>

#include "absl/status/statusor.h"

namespace penstock::host {

// Markdown: one table a section of penstock.config.v1.Config, with notation, default, range and the
// comment of each setting. `files` needs imports and source info (the target penstock_descriptors).
// INVALID_ARGUMENT when the schema is not in it.
absl::StatusOr<std::string> SettingsTable(const google::protobuf::FileDescriptorSet& files);

// The same from a file. NOT_FOUND or INVALID_ARGUMENT when it cannot be read.
absl::StatusOr<std::string> SettingsTableFromFile(const std::string& path);

}  // namespace penstock::host
