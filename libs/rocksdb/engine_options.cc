#include "libs/rocksdb/engine_options.h"

#include <algorithm>

#include <rocksdb/cache.h>
#include <rocksdb/env.h>
#include <rocksdb/filter_policy.h>
#include <rocksdb/slice_transform.h>
#include <rocksdb/table.h>
#include <rocksdb/write_buffer_manager.h>

#include "libs/rocksdb/engine_env.h"

namespace penstock::rocks {
namespace {

constexpr int64_t kMiB = int64_t{1} << 20;
constexpr double kBloomBitsPerKey = 10;

size_t MemtableBytes(const Options& options) {
  return static_cast<size_t>(std::clamp(options.block_cache_bytes / 4, 1 * kMiB, 64 * kMiB));
}

}  // namespace

std::shared_ptr<rocksdb::Cache> EngineCache(const Options& options) {
  rocksdb::LRUCacheOptions cache;
  cache.capacity = static_cast<size_t>(options.block_cache_bytes);
  cache.high_pri_pool_ratio = 0.5;
  return rocksdb::NewLRUCache(cache);
}

rocksdb::DBOptions EngineDbOptions(const Options& options,
                                   const std::shared_ptr<rocksdb::Cache>& cache) {
  rocksdb::DBOptions db;
  db.env = EngineEnv();
  db.create_if_missing = true;
  db.create_missing_column_families = true;
  db.wal_recovery_mode = rocksdb::WALRecoveryMode::kTolerateCorruptedTailRecords;
  db.recycle_log_file_num = 0;
  db.track_and_verify_wals_in_manifest = false;
  db.manual_wal_flush = false;
  db.unordered_write = false;
  db.max_open_files = -1;
  db.write_buffer_manager =
      std::make_shared<rocksdb::WriteBufferManager>(MemtableBytes(options), cache);
  db.max_total_wal_size = MemtableBytes(options) * 4;
  db.max_background_jobs = 2;
  db.stats_dump_period_sec = 0;
  db.stats_persist_period_sec = 0;
  return db;
}

rocksdb::ColumnFamilyOptions EngineFamilyOptions(const ColumnFamilyOptions& family,
                                                 const Options& options,
                                                 const std::shared_ptr<rocksdb::Cache>& cache) {
  rocksdb::BlockBasedTableOptions table;
  table.block_cache = cache;
  table.cache_index_and_filter_blocks = true;
  table.cache_index_and_filter_blocks_with_high_priority = true;
  table.pin_l0_filter_and_index_blocks_in_cache = true;
  table.filter_policy.reset(rocksdb::NewBloomFilterPolicy(kBloomBitsPerKey));
  table.whole_key_filtering = true;
  table.partition_filters = false;
  table.format_version = 5;

  rocksdb::ColumnFamilyOptions result;
  result.table_factory.reset(rocksdb::NewBlockBasedTableFactory(table));
  result.write_buffer_size = MemtableBytes(options);
  if (family.keys_rise) {
    result.compaction_style = rocksdb::kCompactionStyleUniversal;
  } else {
    result.level_compaction_dynamic_level_bytes = true;
  }
  result.compression = rocksdb::kLZ4Compression;
  result.bottommost_compression = rocksdb::kZSTD;
  if (family.prefix_bytes > 0) {
    result.prefix_extractor.reset(rocksdb::NewFixedPrefixTransform(family.prefix_bytes));
  }
  if (family.min_blob_bytes > 0) {
    result.enable_blob_files = true;
    result.min_blob_size = family.min_blob_bytes;
    result.blob_compression_type = rocksdb::kZSTD;
    result.enable_blob_garbage_collection = true;
    result.blob_cache = cache;
  }
  return result;
}

}  // namespace penstock::rocks
