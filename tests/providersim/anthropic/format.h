// Anthropic Messages.
#pragma once

#include <optional>
#include <string>

#include "tests/providersim/options.h"
#include "tests/providersim/wire_format.h"

#include "absl/strings/string_view.h"

namespace penstock::providersim::anthropic {

// By the header anthropic-version: 2023-06-01, or the newest, 2026-10-21, by which sampling
// parameters and a prefilled answer are refused. With any other one CheckAccess refuses.
const WireFormat& Format(absl::string_view version = "2023-06-01");

// One of the two.
struct Counted {
  Refused error = {};
  std::string body = {};
};

// POST /v1/messages/count_tokens.
Counted CountTokens(const AccessHeaders& headers, absl::string_view body, const Options& options);

}  // namespace penstock::providersim::anthropic
