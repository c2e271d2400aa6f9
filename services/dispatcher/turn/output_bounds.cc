#include "services/dispatcher/turn/output_bounds.h"

#include <algorithm>
#include <cmath>

namespace penstock::dispatcher {
namespace {

constexpr double kAnOctave = 4;
constexpr uint32_t kEnough = 1000;
constexpr uint32_t kHalveAt = 20000;
// One of so many may be longer.
constexpr uint32_t kOneOf = 1000;
constexpr size_t kMaxPairs = 10000;

size_t BucketOf(int64_t tokens, size_t buckets) {
  const double octaves = std::log2(static_cast<double>(std::max<int64_t>(1, tokens)));
  return std::min(buckets - 1, static_cast<size_t>(std::ceil(octaves * kAnOctave)));
}

}  // namespace

std::optional<int64_t> OutputBounds::Bound(const std::string& tenant,
                                           const std::string& agent) const {
  MutexLock lock(mutex_);
  const auto known = answers_.find(Key(tenant, agent));
  if (known == answers_.end() || known->second.all < kEnough) return std::nullopt;
  const Answers& answers = known->second;
  uint32_t longer = 0;
  size_t bucket = answers.counts.size() - 1;
  while (bucket > 0 && longer + answers.counts[bucket] <= answers.all / kOneOf) {
    longer += answers.counts[bucket--];
  }
  return static_cast<int64_t>(std::ceil(std::exp2(static_cast<double>(bucket) / kAnOctave)));
}

void OutputBounds::Learn(const std::string& tenant, const std::string& agent,
                         int64_t output_tokens) {
  MutexLock lock(mutex_);
  const Key key(tenant, agent);
  if (answers_.size() >= kMaxPairs && !answers_.contains(key)) return;
  Answers& answers = answers_[key];
  ++answers.counts[BucketOf(output_tokens, answers.counts.size())];
  if (++answers.all < kHalveAt) return;
  answers.all = 0;
  for (uint32_t& count : answers.counts) answers.all += count /= 2;
}

void OutputBounds::Forbid(const std::string& model) {
  MutexLock lock(mutex_);
  forbidden_.insert(model);
}

bool OutputBounds::MayBound(const std::string& model) const {
  MutexLock lock(mutex_);
  return !forbidden_.contains(model);
}

}  // namespace penstock::dispatcher
