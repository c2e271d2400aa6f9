// HTTP/1.1 answers as bytes.
#pragma once

#include <string>

#include "absl/strings/string_view.h"

namespace penstock::providersim {

struct HttpAnswer {
  int status = 200;
  std::string body = {};
  absl::string_view content_type = "application/json";
  // Lines, each with its end.
  std::string headers = {};
};

// Appends status line, content type and `headers` (lines, each with its end), without the blank
// line.
void AppendHead(std::string& out, int status, absl::string_view content_type,
                absl::string_view headers);

// Appends a whole answer.
void AppendAnswer(std::string& out, const HttpAnswer& answer, bool keep_alive);

}  // namespace penstock::providersim
