#include "services/dispatcher/turn/delta_part.h"

#include <algorithm>

#include "absl/strings/string_view.h"

namespace penstock::dispatcher {
namespace {

bool ContinuesCharacter(char c) { return (static_cast<unsigned char>(c) & 0xc0) == 0x80; }

// The longest piece from `begin`, at most `limit` bytes, that does not end inside a character.
absl::string_view WholeCharacters(absl::string_view text, size_t begin, size_t limit) {
  if (text.size() - begin <= limit) return text.substr(begin);
  size_t end = begin + limit;
  while (end > begin && ContinuesCharacter(text[end])) --end;
  return text.substr(begin, end - begin);
}

}  // namespace

chat::v1::TurnEvent MissedPart(const chat::v1::TurnEvent& event, int64_t cursor, size_t limit) {
  const absl::string_view text = event.delta().text();
  const int64_t before = event.index() - static_cast<int64_t>(text.size());
  size_t begin = static_cast<size_t>(std::max<int64_t>(cursor - before, 0));
  while (begin < text.size() && ContinuesCharacter(text[begin])) ++begin;
  const absl::string_view piece = WholeCharacters(text, begin, limit);
  chat::v1::TurnEvent part;
  part.set_index(before + static_cast<int64_t>(begin + piece.size()));
  *part.mutable_time() = event.time();
  part.mutable_delta()->set_step(event.delta().step());
  part.mutable_delta()->set_part(event.delta().part());
  part.mutable_delta()->set_kind(event.delta().kind());
  part.mutable_delta()->set_text(piece.data(), piece.size());
  return part;
}

}  // namespace penstock::dispatcher
