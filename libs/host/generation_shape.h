// What every provider takes as parameters of a generation. Pure.
#pragma once

#include <optional>
#include <string>

#include "penstock/chat/v1/message.pb.h"

#include "absl/strings/string_view.h"

namespace penstock::host {

// Sequences in `stop`.
inline constexpr int kMaxStops = 4;

// A number that is set and out of the range that message.proto states for it.
struct OutOfRange {
  // Of GenerationConfig: "top_p".
  absl::string_view field;
  std::string found;
  // "0 to 1".
  std::string allowed;
};

// The first one; what is no number (NaN) is out of every range.
std::optional<OutOfRange> FindOutOfRange(const chat::v1::GenerationConfig& generation);

}  // namespace penstock::host
