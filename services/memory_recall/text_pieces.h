// A text that is too long for one memory → pieces that are not.
#pragma once

#include <vector>

#include "absl/strings/string_view.h"

namespace penstock::memory_recall {

// Pieces of at most `max_bytes` (at least 4), which joined give `text` byte for byte. Cut behind
// the last paragraph end that fits, else sentence end, line end, space, or character; not in the
// first half of a piece as long as a weaker place is left. A piece points into `text`. Pure;
// linear.
std::vector<absl::string_view> SplitIntoPieces(absl::string_view text, size_t max_bytes);

// The longest prefix of at most `max_bytes` that does not cut a character.
absl::string_view PrefixOf(absl::string_view text, size_t max_bytes);
// The longest such suffix.
absl::string_view SuffixOf(absl::string_view text, size_t max_bytes);

}  // namespace penstock::memory_recall
