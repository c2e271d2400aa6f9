// Why a call is not answered as it asks; each format has its own words and shape for it.
#pragma once

#include <optional>
#include <string>

namespace penstock::providersim {

struct ApiError {
  int status = 400;
  std::string message = {};
  std::string type = "invalid_request_error";
  // OpenAI's; empty: null in the body.
  std::string param = {};
  // Empty: none. Anthropic: details.error_code.
  std::string code = {};
};

// Nothing, when there is nothing to refuse.
using Refused = std::optional<ApiError>;

}  // namespace penstock::providersim
