// RocksDB's settings as Penstock wants them. Included by .cc files only; reasons: README.md.
#pragma once

#include <memory>

#include <rocksdb/options.h>

#include "libs/rocksdb/database.h"

namespace penstock::rocks {

// One cache for blocks, indexes, filters, blobs and memtables.
std::shared_ptr<rocksdb::Cache> EngineCache(const Options& options);
rocksdb::DBOptions EngineDbOptions(const Options& options,
                                   const std::shared_ptr<rocksdb::Cache>& cache);
rocksdb::ColumnFamilyOptions EngineFamilyOptions(const ColumnFamilyOptions& family,
                                                 const Options& options,
                                                 const std::shared_ptr<rocksdb::Cache>& cache);

}  // namespace penstock::rocks
