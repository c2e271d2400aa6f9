// How long a provider asks to wait.
#pragma once

#include <optional>

#include "libs/http/http_stream_client.h"

#include "absl/strings/string_view.h"
#include "absl/time/time.h"

namespace penstock::provider_adapter {

// retry-after-ms, else retry-after (seconds, also with a fraction, or an HTTP date, taken against
// `now`), else the longest reset of a limit of which nothing remains: x-ratelimit-reset-* where
// x-ratelimit-remaining-* is 0, or anthropic-ratelimit-*-reset. Never negative, at most a day.
std::optional<absl::Duration> RetryAfter(const http::HttpHeaders& headers, absl::Time now);

// "6m0s", "1h2m3.5s", "120ms", and a bare number of seconds.
std::optional<absl::Duration> ParseResetDuration(absl::string_view text);

// From `now` to a time in RFC 3339, at least 0 and at most a day.
std::optional<absl::Duration> ParseResetTime(absl::string_view text, absl::Time now);

}  // namespace penstock::provider_adapter
