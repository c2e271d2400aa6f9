#include "libs/async/delta_coalescer.h"

#include <algorithm>
#include <utility>

namespace penstock {

size_t WholeCharacters(absl::string_view text, size_t limit) {
  if (text.size() <= limit) return text.size();
  size_t end = limit;
  while (end > 0 && (static_cast<unsigned char>(text[end]) & 0xC0) == 0x80) --end;
  return end;
}

void DeltaCoalescer::Add(int32_t part, int32_t kind, absl::string_view text) {
  held_bytes_ += text.size();
  while (!text.empty()) {
    if (held_.empty() || held_.back().part != part || held_.back().kind != kind) {
      held_.push_back({.part = part, .kind = kind, .text = {}});
    }
    std::string& last = held_.back().text;
    size_t fits = WholeCharacters(text, options_.max_piece_bytes - last.size());
    if (fits == 0 && last.empty()) fits = std::min(text.size(), options_.max_piece_bytes);
    last.append(text.data(), fits);
    text.remove_prefix(fits);
    if (!text.empty()) held_.push_back({.part = part, .kind = kind, .text = {}});
  }
}

absl::Duration DeltaCoalescer::NextDue() const {
  if (held_.empty()) return absl::InfiniteDuration();
  if (ended_ || flushed_ || held_.size() > 1 || held_bytes_ >= options_.bytes) {
    return -absl::InfiniteDuration();
  }
  return taken_ + options_.interval;
}

std::vector<DeltaPiece> DeltaCoalescer::TakeDue(absl::Duration now) {
  if (NextDue() > now) return {};
  taken_ = now;
  held_bytes_ = 0;
  flushed_ = false;
  return std::exchange(held_, {});
}

}  // namespace penstock
