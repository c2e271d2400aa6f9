#include "tests/providersim/http_answer.h"

#include "absl/strings/str_cat.h"

namespace penstock::providersim {
namespace {

absl::string_view Reason(int status) {
  switch (status) {
    case 200:
      return "OK";
    case 301:
      return "Moved Permanently";
    case 302:
      return "Found";
    case 303:
      return "See Other";
    case 307:
      return "Temporary Redirect";
    case 308:
      return "Permanent Redirect";
    case 400:
      return "Bad Request";
    case 401:
      return "Unauthorized";
    case 402:
      return "Payment Required";
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
    case 529:
      return "Site is overloaded";
    default:
      return "Simulated";
  }
}

}  // namespace

void AppendHead(std::string& out, int status, absl::string_view content_type,
                absl::string_view headers) {
  absl::StrAppend(&out, "HTTP/1.1 ", status, " ", Reason(status),
                  "\r\ncontent-type: ", content_type, "\r\n", headers);
}

void AppendAnswer(std::string& out, const HttpAnswer& answer, bool keep_alive) {
  AppendHead(out, answer.status, answer.content_type, answer.headers);
  if (!keep_alive) out += "connection: close\r\n";
  absl::StrAppend(&out, "content-length: ", answer.body.size(), "\r\n\r\n", answer.body);
}

}  // namespace penstock::providersim
