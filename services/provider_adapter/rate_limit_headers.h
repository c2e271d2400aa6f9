// What a provider says of its limits in the headers of an answer.
#pragma once

#include <optional>

#include "libs/http/http_stream_client.h"
#include "penstock/provider/v1/provider_adapter.pb.h"

#include "absl/time/time.h"

namespace penstock::provider_adapter {

// x-ratelimit-{limit,remaining,reset}-{requests,tokens,…} as OpenAI and those compatible with it
// send them (resets are durations), else anthropic-ratelimit-{requests,tokens,…}-{…} (resets are
// times, taken against `now`). What is absent, or no number that could be meant, is left out; none
// when nothing is there.
std::optional<provider::v1::RateLimits> RateLimitsOf(const http::HttpHeaders& headers,
                                                     absl::Time now);

}  // namespace penstock::provider_adapter
