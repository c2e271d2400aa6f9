// What stands in place of an answer: an error, a redirect, a page of a proxy.
#pragma once

#include <optional>

#include "tests/providersim/http_answer.h"
#include "tests/providersim/reply.h"
#include "tests/providersim/wire_format.h"

#include "absl/strings/string_view.h"

namespace penstock::providersim {

// `error`, with the headers that every answer of the format has; without limit headers.
HttpAnswer ErrorAnswer(const WireFormat& format, const ApiError& error,
                       absl::string_view request_id);

// Of a reply that is failed, or whose faults ask for it; else nothing: it is answered.
std::optional<HttpAnswer> SubstituteFor(const Reply& reply, const WireFormat& format,
                                        absl::string_view request_id);

}  // namespace penstock::providersim
