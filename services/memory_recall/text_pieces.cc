#include "services/memory_recall/text_pieces.h"

#include <algorithm>
#include <initializer_list>

#include "libs/base/failpoint.h"

namespace penstock::memory_recall {
namespace {

bool IsContinuation(char byte) { return (static_cast<unsigned char>(byte) & 0xC0) == 0x80; }

// A character has at most three continuation bytes; more are no UTF-8 and may be cut anywhere.
constexpr size_t kMaxContinuations = 3;

// Where the last of `ends` in `window` ends, or 0.
size_t CutBehind(absl::string_view window, std::initializer_list<absl::string_view> ends) {
  size_t cut = 0;
  for (const absl::string_view end : ends) {
    const size_t found = window.rfind(end);
    if (found != absl::string_view::npos) cut = std::max(cut, found + end.size());
  }
  return cut;
}

size_t CutOf(absl::string_view window) {
  const std::initializer_list<absl::string_view> places[] = {
      {"\n\n", "\r\n\r\n"},
      {". ", "! ", "? ", ".\n", "!\n", "?\n", "。", "！", "？", "।", "؟"},
      {"\n"},
      {" ", "\t", "、", "，"},
  };
  for (const auto& place : places) {
    const size_t cut = CutBehind(window, place);
    if (cut > window.size() / 2) return cut;
  }
  return window.size();
}

}  // namespace

absl::string_view PrefixOf(absl::string_view text, size_t max_bytes) {
  if (text.size() <= max_bytes) return text;
  size_t end = max_bytes;
  const size_t back = PENSTOCK_PLANTED_BUG("planted.character_cut") ? 2 : kMaxContinuations;
  for (size_t i = 0; i < back && end > 0 && IsContinuation(text[end]); ++i) --end;
  return text.substr(0, IsContinuation(text[end]) ? max_bytes : end);
}

absl::string_view SuffixOf(absl::string_view text, size_t max_bytes) {
  if (text.size() <= max_bytes) return text;
  size_t start = text.size() - max_bytes;
  for (size_t i = 0; i < kMaxContinuations && start < text.size() && IsContinuation(text[start]);
       ++i) {
    ++start;
  }
  return text.substr(start);
}

std::vector<absl::string_view> SplitIntoPieces(absl::string_view text, size_t max_bytes) {
  std::vector<absl::string_view> pieces;
  while (text.size() > max_bytes) {
    const size_t cut = CutOf(PrefixOf(text, max_bytes));
    pieces.push_back(text.substr(0, cut));
    text.remove_prefix(cut);
  }
  if (!text.empty()) pieces.push_back(text);
  return pieces;
}

}  // namespace penstock::memory_recall
