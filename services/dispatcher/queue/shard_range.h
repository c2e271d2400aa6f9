// Which shard owns a user: shards are equal ranges of the 65,536 user buckets.
#pragma once

#include <cstdint>

namespace penstock::dispatcher {

inline constexpr int kBuckets = 65536;

// 0 to shards - 1. `shards` is 1 to 65,536.
constexpr int ShardOfBucket(uint16_t bucket, int shards) {
  return static_cast<int>(int64_t{bucket} * shards / kBuckets);
}

}  // namespace penstock::dispatcher
