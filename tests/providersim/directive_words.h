// The words of one directive. Each reader is false when what it wants does not stand there.
#pragma once

#include <chrono>
#include <optional>
#include <string>
#include <vector>

#include "absl/strings/numbers.h"
#include "absl/strings/string_view.h"

namespace penstock::providersim {

using Words = std::vector<absl::string_view>;

// At least 0.
inline bool ReadCount(const Words& words, size_t at, int& out) {
  return at < words.size() && absl::SimpleAtoi(words[at], &out) && out >= 0;
}

inline bool ReadMillis(const Words& words, size_t at,
                       std::optional<std::chrono::milliseconds>& out) {
  int count = 0;
  if (!ReadCount(words, at, count)) return false;
  out = std::chrono::milliseconds(count);
  return true;
}

// The one word behind the verb.
inline bool ReadName(const Words& words, std::string& out) {
  if (words.size() != 2) return false;
  out = std::string(words[1]);
  return true;
}

}  // namespace penstock::providersim
