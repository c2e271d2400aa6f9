// What an error of libcurl means.
#pragma once

#include <curl/curl.h>

#include "libs/http/http_stream_client.h"

namespace penstock::http {

// `sent`: the request was begun on a connection.
HttpOutcome::Kind KindOfCurlError(CURLcode code, bool sent);

}  // namespace penstock::http
