// The head of an HTTP answer, and whole answers, as bytes.
#pragma once

#include <chrono>
#include <optional>
#include <string>

#include "absl/strings/string_view.h"

namespace penstock::providersim {

struct HttpAnswer {
  int status = 200;
  std::string body = {};
  std::optional<std::chrono::milliseconds> retry_after = {};
  // Lines, each with its end.
  std::string limit_headers = {};
};

// Appends status line and the headers that every answer of OpenAI has, without the blank line:
// x-request-id, openai-*, and `limit_headers`.
void AppendHead(std::string& out, int status, absl::string_view content_type,
                absl::string_view request_id, std::chrono::milliseconds processing,
                absl::string_view limit_headers);

// Appends a whole JSON answer. retry-after is given in both of its forms.
void AppendAnswer(std::string& out, const HttpAnswer& answer, absl::string_view request_id,
                  bool keep_alive);

}  // namespace penstock::providersim
