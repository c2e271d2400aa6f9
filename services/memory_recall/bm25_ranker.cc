#include "services/memory_recall/bm25_ranker.h"

#include <algorithm>
#include <bitset>
#include <cmath>
#include <tuple>
#include <utility>

namespace penstock::memory_recall {
namespace {

// The words of a query, asked for each word of a user: most answers are no, from one bit.
class QueryWords {
 public:
  static constexpr size_t kNone = ~size_t{0};

  explicit QueryWords(const std::vector<uint64_t>& hashes) {
    for (const uint64_t hash : hashes) words_.push_back(static_cast<UserBlock::Word>(hash));
    std::sort(words_.begin(), words_.end());
    words_.erase(std::unique(words_.begin(), words_.end()), words_.end());
    for (const UserBlock::Word word : words_) filter_.set(word % filter_.size());
  }

  size_t size() const { return words_.size(); }
  // The place of a word among those of the query.
  size_t Find(UserBlock::Word word) const {
    if (!filter_[word % filter_.size()]) return kNone;
    const auto found = std::lower_bound(words_.begin(), words_.end(), word);
    if (found == words_.end() || *found != word) return kNone;
    return static_cast<size_t>(found - words_.begin());
  }

 private:
  std::bitset<4096> filter_;
  std::vector<UserBlock::Word> words_;
};

// A word of the query in a memory.
struct Match {
  UserBlock::Slot slot;
  uint32_t word;
  UserBlock::Count count;
};

// Counts in `containing` how many memories have each word.
std::vector<Match> MatchesOf(const UserBlock& block, const QueryWords& query,
                             std::vector<size_t>& containing) {
  std::vector<Match> matches;
  for (UserBlock::Slot slot = 0; slot < block.memories().size(); ++slot) {
    const UserBlock::Memory& memory = block.memories()[slot];
    const auto words = block.words().subspan(memory.first_word, memory.different_words);
    for (size_t i = 0; i < words.size(); ++i) {
      const size_t word = query.Find(words[i]);
      if (word == QueryWords::kNone) continue;
      ++containing[word];
      const auto count = block.counts()[memory.first_word + i];
      matches.push_back({slot, static_cast<uint32_t>(word), count});
    }
  }
  return matches;
}

std::vector<double> IdfOf(const std::vector<size_t>& containing, double memories) {
  std::vector<double> idf;
  idf.reserve(containing.size());
  for (const size_t count : containing) {
    const auto n = static_cast<double>(count);
    idf.push_back(std::log(1 + (memories - n + 0.5) / (n + 0.5)));
  }
  return idf;
}

double ScoreOf(const std::vector<float>& own, UserBlock::Slot slot) {
  return slot == UserBlock::kNone ? 0 : own[slot];
}

double TokensOf(const UserBlock::Memory& memory) { return memory.text_bytes / 4.0 * 1.2; }

}  // namespace

std::vector<float> Bm25Ranker::OwnScores(const UserBlock& block, const RankQuery& query) const {
  const QueryWords words(query.words);
  std::vector<size_t> containing(words.size());  // n of each query word
  const std::vector<Match> matches = MatchesOf(block, words, containing);
  const std::vector<double> idf = IdfOf(containing, static_cast<double>(block.size()));
  const double total = static_cast<double>(block.spoken_words()) +
                       settings_.answer_weight * static_cast<double>(block.answer_words());
  const double per_length = total > 0 ? settings_.b * static_cast<double>(block.size()) / total : 0;
  std::vector<float> own(block.memories().size());
  for (const Match& match : matches) {
    const UserBlock::Memory& memory = block.memories()[match.slot];
    const double tf = match.count.spoken + settings_.answer_weight * match.count.answer;
    const double length = memory.spoken_words + settings_.answer_weight * memory.answer_words;
    const double norm = settings_.k1 * (1 - settings_.b + per_length * length);
    own[match.slot] += static_cast<float>(idf[match.word] * tf * (settings_.k1 + 1) / (tf + norm));
  }
  return own;
}

std::vector<Bm25Ranker::Candidate> Bm25Ranker::TextScores(const UserBlock& block,
                                                          const RankQuery& query) const {
  const std::vector<float> own = OwnScores(block, query);
  const uint64_t excluded = UserBlock::SessionKey(query.exclude_session);
  std::vector<Candidate> candidates;
  for (size_t slot = 0; slot < own.size(); ++slot) {
    const UserBlock::Memory& memory = block.memories()[slot];
    if (memory.id.empty() || memory.expire_time <= query.now) continue;
    if (excluded != 0 && memory.session == excluded) continue;
    const double neighbour = std::max(ScoreOf(own, memory.previous), ScoreOf(own, memory.next));
    const double text = own[slot] + settings_.neighbour_weight * neighbour;
    if (text > 0) candidates.push_back({&memory, text});
  }
  return candidates;
}

void Bm25Ranker::AddRecency(std::vector<Candidate>& candidates, absl::Time now) const {
  double best = 0;
  for (const Candidate& candidate : candidates) best = std::max(best, candidate.score);
  for (Candidate& candidate : candidates) {
    const absl::Duration age = std::max(now - candidate.memory->create_time, absl::ZeroDuration());
    const double recency = std::exp2(-absl::FDivDuration(age, settings_.recency_half_life));
    candidate.score = candidate.score / best + settings_.recency_weight * recency;
  }
}

std::vector<RankedMemory> Bm25Ranker::TakeBest(std::vector<Candidate> candidates,
                                               const RankQuery& query) {
  const auto worse = [](const Candidate& a, const Candidate& b) {
    return std::tie(a.score, a.memory->create_time, b.memory->id) <
           std::tie(b.score, b.memory->create_time, a.memory->id);
  };
  std::make_heap(candidates.begin(), candidates.end(), worse);
  std::vector<RankedMemory> ranked;
  double tokens = 0;
  while (!candidates.empty() && ranked.size() < query.max_memories) {
    std::pop_heap(candidates.begin(), candidates.end(), worse);
    const Candidate next = candidates.back();
    candidates.pop_back();
    const double needed = TokensOf(*next.memory);
    if (query.max_tokens > 0 && tokens + needed > static_cast<double>(query.max_tokens)) continue;
    tokens += needed;
    ranked.push_back({next.memory->id, next.score});
  }
  return ranked;
}

std::vector<RankedMemory> Bm25Ranker::Rank(const UserBlock& block, const RankQuery& query) const {
  std::vector<Candidate> candidates = TextScores(block, query);
  AddRecency(candidates, query.now);
  return TakeBest(std::move(candidates), query);
}

}  // namespace penstock::memory_recall
