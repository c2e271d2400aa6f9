#include "tests/providersim/substitute.h"

#include <chrono>
#include <string>

#include "absl/strings/str_cat.h"

namespace penstock::providersim {
namespace {

constexpr absl::string_view kPage =
    "<!DOCTYPE html>\n<html><head><title>Please wait</title></head>\n"
    "<body><h1>Checking your browser</h1></body></html>\n";

std::string HeadersOf(const WireFormat& format, absl::string_view request_id) {
  return format.Headers(request_id, std::chrono::milliseconds(0));
}

}  // namespace

HttpAnswer ErrorAnswer(const WireFormat& format, const ApiError& error,
                       absl::string_view request_id) {
  return {.status = error.status,
          .body = format.ErrorBody(error, request_id),
          .headers = HeadersOf(format, request_id)};
}

std::optional<HttpAnswer> SubstituteFor(const Reply& reply, const WireFormat& format,
                                        absl::string_view request_id) {
  const Faults& faults = reply.directives.faults;
  if (reply.error) {
    HttpAnswer answer = ErrorAnswer(format, *reply.error, request_id);
    if (reply.retry_after) answer.headers += format.RetryAfter(*reply.retry_after);
    return answer;
  }
  if (faults.redirect != 0) {
    return HttpAnswer{.status = faults.redirect,
                      .headers = absl::StrCat(HeadersOf(format, request_id),
                                              "location: ", faults.location, "\r\n")};
  }
  if (faults.html != 0) {
    return HttpAnswer{.status = faults.html,
                      .body = std::string(kPage),
                      .content_type = "text/html; charset=utf-8"};
  }
  return std::nullopt;
}

}  // namespace penstock::providersim
