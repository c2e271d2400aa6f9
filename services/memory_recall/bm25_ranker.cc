#include "services/memory_recall/bm25_ranker.h"

#include <algorithm>
#include <cmath>
#include <tuple>
#include <utility>

namespace penstock::memory_recall {
namespace {

double ScoreOf(const std::vector<float>& own, UserBlock::Slot slot) {
  return slot == UserBlock::kNone ? 0 : own[slot];
}

double TokensOf(const UserBlock::Memory& memory) { return memory.text_bytes / 4.0 * 1.2; }

}  // namespace

std::vector<float> Bm25Ranker::OwnScores(const UserBlock& block, const RankQuery& query) const {
  std::vector<float> own(block.memories().size());
  const auto n = static_cast<double>(block.size());
  const double words = static_cast<double>(block.spoken_words()) +
                       settings_.answer_weight * static_cast<double>(block.answer_words());
  const double per_length = words > 0 ? settings_.b * n / words : 0;
  for (const uint64_t word : query.words) {
    const auto postings = block.PostingsOf(word);
    const auto df = static_cast<double>(postings.size());
    const double idf = std::log(1 + (n - df + 0.5) / (df + 0.5));
    for (const auto& posting : postings) {
      const auto& memory = block.memories()[posting.slot];
      const double tf = posting.spoken + settings_.answer_weight * posting.answer;
      const double length = memory.spoken_words + settings_.answer_weight * memory.answer_words;
      const double norm = settings_.k1 * (1 - settings_.b + per_length * length);
      own[posting.slot] += static_cast<float>(idf * tf * (settings_.k1 + 1) / (tf + norm));
    }
  }
  return own;
}

std::vector<Bm25Ranker::Candidate> Bm25Ranker::TextScores(const UserBlock& block,
                                                          const RankQuery& query) const {
  const std::vector<float> own = OwnScores(block, query);
  std::vector<Candidate> candidates;
  for (size_t slot = 0; slot < own.size(); ++slot) {
    const UserBlock::Memory& memory = block.memories()[slot];
    if (memory.id.empty() || memory.expire_time <= query.now) continue;
    if (!query.exclude_session.empty() && memory.session == query.exclude_session) continue;
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
