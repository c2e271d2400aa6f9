#include "services/memory_recall/user_block.h"

#include <algorithm>
#include <limits>
#include <tuple>
#include <utility>

namespace penstock::memory_recall {
namespace {

uint16_t Clamp(uint32_t count) {
  return static_cast<uint16_t>(std::min<uint32_t>(count, std::numeric_limits<uint16_t>::max()));
}

// A word's entry in the hash map: key, two inlined postings, control byte, free places.
constexpr size_t kBytesOfWord = 48;

}  // namespace

void UserBlock::Add(MemoryFeatures features) {
  if (slots_.contains(features.id)) return;
  Slot slot;
  if (free_.empty()) {
    slot = static_cast<Slot>(memories_.size());
    memories_.emplace_back();
  } else {
    slot = free_.back();
    free_.pop_back();
  }
  slots_.emplace(features.id, slot);
  Memory& memory = memories_[slot];
  memory = Memory{.id = std::move(features.id),
                  .create_time = features.create_time,
                  .expire_time = features.expire_time,
                  .session = std::move(features.session),
                  .text_bytes = features.text_bytes,
                  .embedding = std::move(features.embedding)};
  Index(slot, features.words);
  Link(slot);
  bytes_ += BytesOf(memory);
}

void UserBlock::Remove(absl::string_view id) {
  const auto found = slots_.find(id);
  if (found == slots_.end()) return;
  const Slot slot = found->second;
  slots_.erase(found);
  for (auto entry = postings_.begin(); entry != postings_.end();) {
    Postings& postings = entry->second;
    const auto posting = std::find_if(postings.begin(), postings.end(),
                                      [&](const Posting& p) { return p.slot == slot; });
    if (posting != postings.end()) {
      *posting = postings.back();
      postings.pop_back();
      bytes_ -= sizeof(Posting);
    }
    if (postings.empty()) {
      bytes_ -= kBytesOfWord;
      postings_.erase(entry++);
    } else {
      ++entry;
    }
  }
  Unlink(slot);
  Memory& memory = memories_[slot];
  bytes_ -= BytesOf(memory);
  spoken_words_ -= memory.spoken_words;
  answer_words_ -= memory.answer_words;
  memory = Memory{};
  free_.push_back(slot);
}

absl::Span<const UserBlock::Posting> UserBlock::PostingsOf(uint64_t word) const {
  const auto found = postings_.find(word);
  if (found == postings_.end()) return {};
  return found->second;
}

void UserBlock::Index(Slot slot, absl::Span<const WordCount> words) {
  Memory& memory = memories_[slot];
  for (const WordCount& count : words) {
    memory.spoken_words += count.spoken;
    memory.answer_words += count.answer;
    const auto [entry, is_new] = postings_.try_emplace(count.word);
    entry->second.push_back({slot, Clamp(count.spoken), Clamp(count.answer)});
    bytes_ += sizeof(Posting) + (is_new ? kBytesOfWord : 0);
  }
  spoken_words_ += memory.spoken_words;
  answer_words_ += memory.answer_words;
}

void UserBlock::Link(Slot slot) {
  Memory& memory = memories_[slot];
  if (memory.session.empty()) return;
  auto& session = sessions_[memory.session];
  const auto place = std::upper_bound(session.begin(), session.end(), slot, [&](Slot a, Slot b) {
    return std::tie(memories_[a].create_time, memories_[a].id) <
           std::tie(memories_[b].create_time, memories_[b].id);
  });
  memory.previous = place == session.begin() ? kNone : *(place - 1);
  memory.next = place == session.end() ? kNone : *place;
  if (memory.previous != kNone) memories_[memory.previous].next = slot;
  if (memory.next != kNone) memories_[memory.next].previous = slot;
  session.insert(place, slot);
}

void UserBlock::Unlink(Slot slot) {
  const Memory& memory = memories_[slot];
  if (memory.session.empty()) return;
  if (memory.previous != kNone) memories_[memory.previous].next = memory.next;
  if (memory.next != kNone) memories_[memory.next].previous = memory.previous;
  const auto session = sessions_.find(memory.session);
  std::erase(session->second, slot);
  if (session->second.empty()) sessions_.erase(session);
}

size_t UserBlock::BytesOf(const Memory& memory) {
  // The id stands in slots_ too, the slot in sessions_.
  return sizeof(Memory) + 2 * (sizeof(std::string) + memory.id.size()) + memory.session.size() +
         memory.embedding.size() * sizeof(float) + 2 * sizeof(Slot);
}

}  // namespace penstock::memory_recall
