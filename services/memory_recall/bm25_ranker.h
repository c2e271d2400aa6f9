// Ranks by words: BM25F over the turn, its neighbours, and a small recency term.
//
// 1. A memory has two fields: what the user said (weight 1) and what the assistant answered
//    (answer_weight). Simple BM25F (Robertson and Zaragoza, The Probabilistic Relevance Framework:
//    BM25 and Beyond, 2009, sections 3.5 and 3.6), statistics over this user's memories only:
//      tf  = spoken + answer_weight × answer              len = the same sum over all words
//      own = Σ over query words of  idf × tf × (k1 + 1) / (tf + k1 × (1 − b + b × len / mean len))
//      idf = ln(1 + (N − n + 0.5) / (n + 0.5))            (never negative, as in Lucene)
//    k1 = 1.2 and b = 0.75 lie in the ranges the book reports as good (1.2 to 2, 0.5 to 0.8).
// 2. A question and its answer are often neighbours: "What is your dog called?" · "Bruno". So a
//    memory also gets neighbour_weight × the larger own score of the memories before and after it
//    in its session:  text = own + neighbour_weight × max(own(previous), own(next)).
//    The larger one, not the sum: two weak neighbours must not carry a memory past a real match.
// 3. score = text / best text + recency_weight × 2^(−age / half_life). Only memories with text > 0
//    are ranked, so recency decides between memories that match about equally, and never brings one
//    in by itself.
#pragma once

#include <vector>

#include "services/memory_recall/ranker.h"

#include "absl/time/time.h"

namespace penstock::memory_recall {

struct Bm25Settings {
  absl::Duration recency_half_life = absl::Hours(720);
  double recency_weight = 0.1;
  double k1 = 1.2;
  double b = 0.75;
  double answer_weight = 0.5;
  double neighbour_weight = 0.5;
};

class Bm25Ranker : public Ranker {
 public:
  explicit Bm25Ranker(const Bm25Settings& settings) : settings_(settings) {}

  std::vector<RankedMemory> Rank(const UserBlock& block, const RankQuery& query) const override;

 private:
  struct Candidate {
    const UserBlock::Memory* memory;
    double score;
  };

  // Steps 1 to 3.
  std::vector<float> OwnScores(const UserBlock& block, const RankQuery& query) const;
  std::vector<Candidate> TextScores(const UserBlock& block, const RankQuery& query) const;
  void AddRecency(std::vector<Candidate>& candidates, absl::Time now) const;
  static std::vector<RankedMemory> TakeBest(std::vector<Candidate> candidates,
                                            const RankQuery& query);

  const Bm25Settings settings_;
};

}  // namespace penstock::memory_recall
