// What goes wrong with an answer, as lines "/sim ..." of its request ask for it.
#pragma once

#include <chrono>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "absl/strings/string_view.h"

namespace penstock::providersim {

// In the middle of a stream.
enum class Strike {
  kNone,
  kError,
  kHang,
  kCut,
  kTruncate,
  kTear,
  kMalformedJson,
  kMalformedShape,
  kMalformedSse,
  // After these two the answer goes on.
  kLongLine,
  kDrip,
};

struct Faults {
  bool Concern(absl::string_view format, absl::string_view model) const;
  // Calls with the same key are counted.
  bool counted() const { return fail_first > 0 || only_first.has_value(); }

  // Instead of the answer; 0: none. retry_after and code go with `status`.
  int status = 0;
  std::optional<std::chrono::milliseconds> retry_after;
  std::string code;
  int redirect = 0;
  std::string location;
  int html = 0;
  bool hang_before = false;
  bool cut_before = false;
  // The first `fail_first` calls are answered with fail_status.
  int fail_first = 0;
  int fail_status = 500;

  Strike strike = Strike::kNone;
  // Tokens of text and calls that are sent before it strikes.
  int after = 0;
  // Of Strike::kError.
  int error_status = 500;
  std::string error_code;
  // Of Strike::kLongLine.
  int64_t line_bytes = 10'000'000;
  // Between two bytes. Without Strike::kDrip: of the whole answer.
  std::optional<std::chrono::milliseconds> drip;
  bool no_usage = false;

  // Formats and models they strike; empty: all.
  std::vector<std::string> only;
  std::optional<int> only_first;
};

// `words` are those of a line after "/sim". False when they are no fault, or one too many.
bool AddFault(const std::vector<absl::string_view>& words, Faults& out);

}  // namespace penstock::providersim
