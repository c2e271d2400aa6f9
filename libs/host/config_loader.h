// The configuration of a process, from a YAML file (penstock/config/v1/config.proto; the table of
// settings is deploy/config/SETTINGS.md).
#pragma once

#include <string>

#include "penstock/config/v1/config.pb.h"

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"

namespace penstock::host {

// The configuration with every default applied, checked by ValidateConfig. Errors are one line that
// begins with `source_name` and names the path of the setting, what was found and what is allowed;
// INVALID_ARGUMENT. How YAML is read: yaml_message.h.
absl::StatusOr<config::v1::Config> ParseConfig(absl::string_view yaml,
                                               absl::string_view source_name);

// ParseConfig of a file of at most 4 MiB. NOT_FOUND or another code that says why it cannot be
// read.
absl::StatusOr<config::v1::Config> LoadConfig(const std::string& path);

}  // namespace penstock::host
