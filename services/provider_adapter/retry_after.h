// How long a provider asks to wait.
#pragma once

#include <optional>

#include "libs/http/http_stream_client.h"

#include "absl/strings/string_view.h"
#include "absl/time/time.h"

namespace penstock::provider_adapter {

// retry-after-ms, else retry-after (seconds, also with a fraction, or an HTTP date, taken against
// `now`), else the longest x-ratelimit-reset-* whose x-ratelimit-remaining-* is 0. Never negative,
// at most a day.
std::optional<absl::Duration> RetryAfter(const http::HttpHeaders& headers, absl::Time now);

// "6m0s", "1h2m3.5s", "120ms", and a bare number of seconds.
std::optional<absl::Duration> ParseResetDuration(absl::string_view text);

}  // namespace penstock::provider_adapter
