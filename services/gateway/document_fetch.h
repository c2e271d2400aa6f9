// One small document over HTTP, whole or not at all.
#pragma once

#include <cstdint>
#include <stop_token>
#include <string>

#include "libs/async/awaitable.h"
#include "libs/http/http_stream_client.h"

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"

namespace penstock::gateway {

enum class FetchOutcome {
  kOk,
  // Answered with another status than 200; redirects are not followed.
  kStatus,
  // Larger than allowed; the connection was closed there.
  kTooLarge,
  kTimeout,
  // The handshake failed, or the certificate is not to be trusted; nothing was sent.
  kTls,
  // Not reached, or the connection broke.
  kConnection,
  kStopped,
};

struct FetchedDocument {
  FetchOutcome outcome = FetchOutcome::kOk;
  // Its bytes, or what happened, for people: kUnavailable.
  absl::StatusOr<std::string> document;
};

// GETs `request`, in the time that it says. `client` outlives the fetch.
Awaitable<FetchedDocument> FetchDocument(http::HttpStreamClient& client, http::HttpRequest request,
                                         int64_t max_bytes, std::stop_token stop);

}  // namespace penstock::gateway
