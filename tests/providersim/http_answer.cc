#include "tests/providersim/http_answer.h"

#include "absl/strings/str_cat.h"

namespace penstock::providersim {
namespace {

constexpr int64_t kRequestsPerMinute = 30'000;
constexpr int64_t kTokensPerMinute = 150'000'000;

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
                absl::string_view request_id, int64_t prompt_tokens,
                std::chrono::milliseconds processing) {
  absl::StrAppend(&out, "HTTP/1.1 ", status, " ", Reason(status),
                  "\r\ncontent-type: ", content_type, "\r\nx-request-id: ", request_id,
                  "\r\nopenai-processing-ms: ", processing.count());
  absl::StrAppend(&out, "\r\nopenai-version: 2020-10-01\r\nopenai-organization: providersim",
                  "\r\nx-ratelimit-limit-requests: ", kRequestsPerMinute,
                  "\r\nx-ratelimit-limit-tokens: ", kTokensPerMinute,
                  "\r\nx-ratelimit-remaining-requests: ", kRequestsPerMinute - 1,
                  "\r\nx-ratelimit-remaining-tokens: ", kTokensPerMinute - prompt_tokens);
  absl::StrAppend(&out, "\r\nx-ratelimit-reset-requests: 2ms\r\nx-ratelimit-reset-tokens: ",
                  prompt_tokens * 60'000 / kTokensPerMinute, "ms\r\n");
}

void AppendAnswer(std::string& out, const HttpAnswer& answer, absl::string_view request_id,
                  bool keep_alive) {
  AppendHead(out, answer.status, "application/json", request_id, 0, std::chrono::milliseconds(0));
  if (answer.retry_after) {
    const int64_t millis = answer.retry_after->count();
    absl::StrAppend(&out, "retry-after-ms: ", millis, "\r\nretry-after: ", (millis + 999) / 1000,
                    "\r\n");
  }
  if (!keep_alive) out += "connection: close\r\n";
  absl::StrAppend(&out, "content-length: ", answer.body.size(), "\r\n\r\n", answer.body);
}

}  // namespace penstock::providersim
