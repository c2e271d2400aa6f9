// The configuration file of a test: deploy/config/five.yaml with some settings changed.
#pragma once

#include <map>
#include <string>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"

namespace penstock::harness {

// Path of a setting, as SETTINGS.md writes it with numbers for list entries
// ("models.0.concurrency"), to its value in YAML ("200ms", "[a, b]", "{input: 1, output: 2}").
using Settings = std::map<std::string, std::string>;

// What a test changes unless it is about admission: tiers without limits, and any wait. A heavy
// load would be refused otherwise.
Settings WithoutLimits();

// Text of deploy/config/five.yaml.
absl::StatusOr<std::string> SampleConfig();

// `yaml` with `settings` put in. INVALID_ARGUMENT names the path that does not fit: a list entry
// beyond the end of its list plus one, or a key below something that is no map.
absl::StatusOr<std::string> WithSettings(absl::string_view yaml, const Settings& settings);

// The value at `path`, a scalar. NOT_FOUND when there is none.
absl::StatusOr<std::string> SettingOf(absl::string_view yaml, absl::string_view path);

}  // namespace penstock::harness
