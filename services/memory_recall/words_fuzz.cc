// Any bytes give words, each of them valid UTF-8 and not empty, and pieces that are the whole text;
// a text that is UTF-8 is cut between characters only.
#include <cstddef>
#include <cstdint>
#include <cstdlib>

#include <utf8proc.h>

#include "services/memory_recall/text_pieces.h"
#include "services/memory_recall/words.h"

namespace {

bool IsUtf8(absl::string_view text) {
  const auto* next = reinterpret_cast<const utf8proc_uint8_t*>(text.data());
  for (auto left = static_cast<utf8proc_ssize_t>(text.size()); left > 0;) {
    utf8proc_int32_t character = 0;
    const utf8proc_ssize_t bytes = utf8proc_iterate(next, left, &character);
    if (bytes <= 0) return false;
    next += bytes;
    left -= bytes;
  }
  return true;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  using namespace penstock::memory_recall;
  const absl::string_view text(reinterpret_cast<const char*>(data), size);
  for (const auto kind : {WordsOf::kMemory, WordsOf::kQuery}) {
    for (const auto& word : SplitIntoWords(text, kind)) {
      if (word.empty() || !IsUtf8(word)) std::abort();
    }
  }
  const bool whole_characters = IsUtf8(text);
  // Another length for another text, so that a character is soon met by a cut.
  for (const size_t max_bytes : {size_t{16}, 8 + size % 8}) {
    size_t total = 0;
    for (const auto piece : SplitIntoPieces(text, max_bytes)) {
      if (whole_characters && !IsUtf8(piece)) std::abort();
      total += piece.size();
    }
    if (total != size) std::abort();
  }
  return 0;
}
