// What a provider's failure means (reference/providers.md section 3).
#pragma once

#include <optional>
#include <string>

#include <boost/json/fwd.hpp>

#include "libs/http/http_stream_client.h"
#include "penstock/chat/v1/turn.pb.h"
#include "penstock/provider/v1/provider_adapter.pb.h"

#include "absl/strings/string_view.h"
#include "absl/time/time.h"

namespace penstock::provider_adapter {

using Failure = provider::v1::GenerateFailed;

// The `error` object of an answer or of a stream, as OpenAI, Anthropic and their likes send it.
struct ProviderError {
  std::string message = {};
  std::string type = {};
  // Anthropic's is `details.error_code`.
  std::string code = {};
  // A status inside the object, as some servers put into `code`; else 0.
  int status = 0;
};

// Out of {"error": {...}} or {"error": "text"}; nullopt when there is none.
std::optional<ProviderError> ReadError(const boost::json::value& document);
// The same out of a body, which may be no JSON at all.
ProviderError ReadErrorBody(absl::string_view body);

// `http_status` 200 for an error inside a stream.
chat::v1::ErrorKind Classify(int http_status, const ProviderError& error);

// An answer with an error status. Its message names provider, status and request id; what the
// provider says is added, shortened, except for a refused credential (it may quote the key).
Failure FailureOfStatus(absl::string_view provider, int http_status,
                        const http::HttpHeaders& headers, absl::string_view body, absl::Time now);

// An error object in a stream that began well.
Failure FailureInStream(absl::string_view provider, const ProviderError& error);

// No whole answer. A limit on the whole call is the turn's own deadline.
Failure FailureOfOutcome(absl::string_view provider, const http::HttpOutcome& outcome);

// Anything else that is wrong with an answer.
Failure FailureOf(absl::string_view provider, chat::v1::ErrorKind kind, absl::string_view what);

// x-request-id, request-id or apim-request-id; "" when there is none.
std::string RequestIdOf(const http::HttpHeaders& headers);

}  // namespace penstock::provider_adapter
