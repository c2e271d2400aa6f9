// The API key of a provider: where it comes from, and what goes out with it.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "penstock/config/v1/config.pb.h"

#include "absl/functional/function_ref.h"
#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"

namespace penstock::provider_adapter {

// Never logged, and never part of an error, a metric or a trace.
struct Credential {
  // May be empty.
  std::string api_key;
  // "Name: value" lines of every request; they hold the key.
  std::vector<std::string> headers;
};

// The value of an environment variable, nullopt when it is not set.
using EnvironmentLookup = absl::FunctionRef<std::optional<std::string>(absl::string_view)>;

// "" for a provider without key. INVALID_ARGUMENT with the path of the setting ("providers[1]" is
// `path`), without the key.
absl::StatusOr<std::string> ReadApiKey(const config::v1::Provider& provider, absl::string_view path,
                                       EnvironmentLookup environment);

// The one line of a file, without blanks around it. INVALID_ARGUMENT with what is wrong, to be put
// behind the file's name ("is empty"), without a word of the content.
absl::StatusOr<std::string> ReadKeyFile(const std::string& file);

// `text`, with "***" wherever it quotes the key.
std::string HideKey(std::string text, const Credential& credential);

}  // namespace penstock::provider_adapter
