#include "tests/providersim/http_answer.h"

#include "absl/strings/str_cat.h"

namespace penstock::providersim {
namespace {

absl::string_view Reason(int status) {
  switch (status) {
    case 200:
      return "OK";
    case 400:
      return "Bad Request";
    case 401:
      return "Unauthorized";
    case 403:
      return "Forbidden";
    case 404:
      return "Not Found";
    case 405:
      return "Method Not Allowed";
    case 408:
      return "Request Timeout";
    case 413:
      return "Payload Too Large";
    case 429:
      return "Too Many Requests";
    case 500:
      return "Internal Server Error";
    case 502:
      return "Bad Gateway";
    case 503:
      return "Service Unavailable";
    case 504:
      return "Gateway Timeout";
    default:
      return "Simulated";
  }
}

}  // namespace

void AppendHead(std::string& out, int status, absl::string_view content_type,
                absl::string_view request_id, std::chrono::milliseconds processing,
                absl::string_view limit_headers) {
  absl::StrAppend(
      &out, "HTTP/1.1 ", status, " ", Reason(status), "\r\ncontent-type: ", content_type,
      "\r\nx-request-id: ", request_id, "\r\nopenai-processing-ms: ", processing.count(),
      "\r\nopenai-version: 2020-10-01\r\nopenai-organization: providersim\r\n", limit_headers);
}

void AppendAnswer(std::string& out, const HttpAnswer& answer, absl::string_view request_id,
                  bool keep_alive) {
  AppendHead(out, answer.status, "application/json", request_id, std::chrono::milliseconds(0),
             answer.limit_headers);
  if (answer.retry_after) {
    const int64_t millis = answer.retry_after->count();
    absl::StrAppend(&out, "retry-after-ms: ", millis, "\r\nretry-after: ", (millis + 999) / 1000,
                    "\r\n");
  }
  if (!keep_alive) out += "connection: close\r\n";
  absl::StrAppend(&out, "content-length: ", answer.body.size(), "\r\n\r\n", answer.body);
}

}  // namespace penstock::providersim
