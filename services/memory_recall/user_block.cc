#include "services/memory_recall/user_block.h"

#include <algorithm>
#include <limits>
#include <tuple>
#include <utility>

#include "services/memory_recall/words.h"

namespace penstock::memory_recall {
namespace {

uint8_t Clamp(uint32_t count) {
  return static_cast<uint8_t>(std::min<uint32_t>(count, std::numeric_limits<uint8_t>::max()));
}

// Room for `more`, growing by an eighth: doubling would leave half of a large block unused.
template <class T>
void Reserve(std::vector<T>& values, size_t more) {
  const size_t needed = values.size() + more;
  if (values.capacity() < needed) values.reserve(needed + needed / 8);
}

size_t HeapBytesOf(const UserBlock::Memory& memory) {
  return memory.id.size() + memory.embedding.size() * sizeof(float);
}

// Keys and slots of both maps, with their free places.
constexpr size_t kMapBytesOfMemory = 64;

}  // namespace

uint64_t UserBlock::SessionKey(absl::string_view session) {
  return session.empty() ? 0 : HashOfWord(session);
}

void UserBlock::Add(const MemoryFeatures& features) {
  const auto slot = static_cast<Slot>(memories_.size());
  if (!slots_.try_emplace(HashOfWord(features.id), slot).second) return;
  Reserve(memories_, 1);
  Memory& memory = memories_.emplace_back();
  memory.id = features.id;
  memory.create_time = features.create_time;
  memory.expire_time = features.expire_time;
  memory.session = SessionKey(features.session);
  memory.text_bytes = features.text_bytes;
  memory.embedding = features.embedding;
  AppendWords(features.words, memory);
  Link(slot);
  heap_bytes_ += HeapBytesOf(memory);
}

void UserBlock::AppendWords(absl::Span<const WordCount> words, Memory& memory) {
  Reserve(words_, words.size());
  Reserve(counts_, words.size());
  memory.first_word = static_cast<uint32_t>(words_.size());
  memory.different_words = static_cast<uint32_t>(words.size());
  for (const WordCount& count : words) {
    words_.push_back(static_cast<Word>(count.word));
    counts_.push_back({Clamp(count.spoken), Clamp(count.answer)});
    memory.spoken_words += count.spoken;
    memory.answer_words += count.answer;
  }
  spoken_words_ += memory.spoken_words;
  answer_words_ += memory.answer_words;
}

void UserBlock::Remove(absl::string_view id) {
  const auto found = slots_.find(HashOfWord(id));
  if (found == slots_.end()) return;
  const Slot slot = found->second;
  slots_.erase(found);
  const Memory memory = std::exchange(memories_[slot], Memory{});
  Unlink(memory, slot);
  heap_bytes_ -= HeapBytesOf(memory);
  spoken_words_ -= memory.spoken_words;
  answer_words_ -= memory.answer_words;
  const size_t removed = memories_.size() - slots_.size();
  if (removed > memories_.size() / 4) Compact();
}

void UserBlock::Compact() {
  UserBlock compact;
  for (const Memory& memory : memories_) {
    if (memory.id.empty()) continue;
    const auto slot = static_cast<Slot>(compact.memories_.size());
    compact.slots_.emplace(HashOfWord(memory.id), slot);
    Memory& kept = compact.memories_.emplace_back(memory);
    kept.first_word = static_cast<uint32_t>(compact.words_.size());
    const auto begin = static_cast<ptrdiff_t>(memory.first_word);
    const auto end = begin + static_cast<ptrdiff_t>(memory.different_words);
    compact.words_.insert(compact.words_.end(), words_.begin() + begin, words_.begin() + end);
    compact.counts_.insert(compact.counts_.end(), counts_.begin() + begin, counts_.begin() + end);
    compact.Link(slot);
  }
  compact.spoken_words_ = spoken_words_;
  compact.answer_words_ = answer_words_;
  compact.heap_bytes_ = heap_bytes_;
  *this = std::move(compact);
}

void UserBlock::Link(Slot slot) {
  Memory& memory = memories_[slot];
  memory.previous = kNone;
  memory.next = kNone;
  if (memory.session == 0) return;
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

void UserBlock::Unlink(const Memory& memory, Slot slot) {
  if (memory.session == 0) return;
  if (memory.previous != kNone) memories_[memory.previous].next = memory.next;
  if (memory.next != kNone) memories_[memory.next].previous = memory.previous;
  const auto session = sessions_.find(memory.session);
  std::erase(session->second, slot);
  if (session->second.empty()) sessions_.erase(session);
}

size_t UserBlock::bytes() const {
  return memories_.capacity() * sizeof(Memory) + words_.capacity() * sizeof(Word) +
         counts_.capacity() * sizeof(Count) + slots_.size() * kMapBytesOfMemory + heap_bytes_;
}

}  // namespace penstock::memory_recall
