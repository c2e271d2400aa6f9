// JSON written by hand: the hot path builds its bytes without a document.
#pragma once

#include <string>

#include "absl/strings/string_view.h"

namespace penstock::providersim {

// Appends `text` as the inside of a JSON string. Bytes from 0x80 are passed through: text is UTF-8.
void AppendEscaped(std::string& out, absl::string_view text);

// "text", quoted and escaped.
std::string JsonString(absl::string_view text);

}  // namespace penstock::providersim
