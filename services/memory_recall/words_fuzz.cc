// Any bytes give words, each of them valid UTF-8 and not empty.
#include <cstddef>
#include <cstdint>
#include <cstdlib>

#include <utf8proc.h>

#include "services/memory_recall/text_pieces.h"
#include "services/memory_recall/words.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  using namespace penstock::memory_recall;
  const absl::string_view text(reinterpret_cast<const char*>(data), size);
  for (const auto kind : {WordsOf::kMemory, WordsOf::kQuery}) {
    for (const auto& word : SplitIntoWords(text, kind)) {
      if (word.empty()) std::abort();
    }
  }
  size_t total = 0;
  for (const auto piece : SplitIntoPieces(text, 16)) total += piece.size();
  if (total != size) std::abort();
  return 0;
}
