#include "libs/rocksdb/database.h"

#include <algorithm>
#include <numeric>
#include <utility>

#include <rocksdb/db.h>
#include <rocksdb/write_batch.h>

#include "libs/base/refusal.h"
#include "libs/rocksdb/engine_log.h"
#include "libs/rocksdb/engine_options.h"
#include "libs/rocksdb/key.h"

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"

namespace penstock::rocks {
namespace {

constexpr int kInlineRows = 256;

rocksdb::Slice ToSlice(absl::string_view text) { return {text.data(), text.size()}; }
absl::string_view ToView(const rocksdb::Slice& slice) { return {slice.data(), slice.size()}; }

absl::Status ReadError(const rocksdb::Status& status) {
  if (status.IsCorruption()) {
    return absl::DataLossError(absl::StrCat("the store is damaged: ", status.ToString()));
  }
  return Refusal(absl::StatusCode::kUnavailable, "STORE_UNAVAILABLE",
                 absl::StrCat("the store failed: ", status.ToString()))
      .RetryAfter(absl::Seconds(1));
}

absl::Status OpenError(const std::string& path, const rocksdb::Status& status) {
  const std::string found = status.ToString();
  if (status.IsIOError() && absl::StrContains(found, "LOCK")) {
    return absl::FailedPreconditionError(
        absl::StrCat("store ", path,
                     ": another process has it open; stop that process, or give this "
                     "one a folder of its own (",
                     found, ")"));
  }
  if (status.IsCorruption()) {
    return absl::DataLossError(
        absl::StrCat("store ", path,
                     ": damaged, and nothing was changed; restore it from a backup, or "
                     "move the folder away to start empty (",
                     found, ")"));
  }
  if (status.IsInvalidArgument() && absl::StrContains(found, "Column famil")) {
    return absl::FailedPreconditionError(absl::StrCat(
        "store ", path, ": written by a newer version; start that version (", found, ")"));
  }
  return absl::UnavailableError(absl::StrCat(
      "store ", path, ": cannot be opened; is the folder writable and the disk not full? (", found,
      ")"));
}

}  // namespace

struct Database::Engine {
  ~Engine() {
    for (auto* handle : handles) db->DestroyColumnFamilyHandle(handle).PermitUncheckedError();
  }

  rocksdb::ColumnFamilyHandle* handle(ColumnFamily family) const {
    return handles[static_cast<size_t>(family) + 1];  // the first is RocksDB's "default", unused
  }

  Options options;
  std::unique_ptr<rocksdb::DB> db;
  std::vector<rocksdb::ColumnFamilyHandle*> handles;
};

// How far a scan has come.
struct Database::ScanPosition {
  // A scan that stays below one prefix uses the prefix filter; any other must not.
  static rocksdb::ReadOptions ReadOptionsFor(size_t prefix_bytes, absl::string_view begin,
                                             absl::string_view end) {
    rocksdb::ReadOptions options;
    const absl::string_view prefix = begin.substr(0, prefix_bytes);
    const bool below_one_prefix =
        prefix_bytes > 0 && prefix.size() == prefix_bytes &&
        (end.substr(0, prefix_bytes) == prefix || end == PrefixSuccessor(prefix));
    options.prefix_same_as_start = below_one_prefix;
    options.total_order_seek = !below_one_prefix;
    return options;
  }

  // Visits up to `max_rows`. True when the scan is over: the end came, or the visitor had enough.
  // False when it has to go on, from the new `begin`, because rows or cached blocks ran out.
  absl::StatusOr<bool> Advance(const Engine& engine, rocksdb::ReadTier tier, int64_t max_rows) {
    const size_t index = static_cast<size_t>(family);
    rocksdb::ReadOptions read =
        ReadOptionsFor(engine.options.column_families[index].prefix_bytes, begin, end);
    const rocksdb::Slice bound = ToSlice(end);
    read.iterate_upper_bound = &bound;
    read.read_tier = tier;
    const std::unique_ptr<rocksdb::Iterator> rows(
        engine.db->NewIterator(read, engine.handle(family)));
    int64_t visited = 0;
    std::string next = begin;
    for (rows->Seek(ToSlice(begin)); rows->Valid(); rows->Next()) {
      if (visited++ == max_rows) {
        begin = rows->key().ToString();
        return false;
      }
      if (!visit(ToView(rows->key()), ToView(rows->value()))) return true;
      next.assign(rows->key().data(), rows->key().size());
      next.push_back('\0');
    }
    if (rows->status().IsIncomplete()) {
      begin = std::move(next);
      return false;
    }
    if (!rows->status().ok()) return ReadError(rows->status());
    return true;
  }

  ColumnFamily family;
  std::string begin;
  std::string end;
  Visitor visit;
};

// Keys that are looked for together.
struct Database::ManyGets {
  // Finds what it can on this tier. False: blocks are missing, `missing` says of which keys.
  absl::StatusOr<bool> Advance(const Engine& engine, rocksdb::ReadTier tier) {
    rocksdb::ReadOptions read;
    read.read_tier = tier;
    std::vector<rocksdb::Slice> slices;
    for (const size_t i : missing) slices.push_back(ToSlice(keys[i]));
    std::vector<rocksdb::PinnableSlice> values(slices.size());
    std::vector<rocksdb::Status> statuses(slices.size());
    engine.db->MultiGet(read, engine.handle(family), slices.size(), slices.data(), values.data(),
                        statuses.data());
    std::vector<size_t> still_missing;
    for (size_t i = 0; i < slices.size(); ++i) {
      const rocksdb::Status& status = statuses[i];
      if (status.ok()) {
        found[missing[i]] = values[i].ToString();
      } else if (status.IsIncomplete()) {
        still_missing.push_back(missing[i]);
      } else if (!status.IsNotFound()) {
        return ReadError(status);
      }
    }
    missing = std::move(still_missing);
    return missing.empty();
  }

  ColumnFamily family;
  std::vector<std::string> keys;
  std::vector<std::optional<std::string>> found = {};
  // Places of the keys that were not looked for in all blocks.
  std::vector<size_t> missing = {};
};

absl::StatusOr<std::unique_ptr<Database>> Database::Open(const std::string& path, Options options,
                                                         BoundedExecutor& reads) {
  const std::shared_ptr<rocksdb::Cache> cache = EngineCache(options);
  std::vector<rocksdb::ColumnFamilyDescriptor> families;
  families.emplace_back(rocksdb::kDefaultColumnFamilyName, EngineFamilyOptions({}, options, cache));
  for (const auto& family : options.column_families) {
    families.emplace_back(family.name, EngineFamilyOptions(family, options, cache));
  }
  auto engine = std::make_unique<Engine>();
  rocksdb::DBOptions db_options = EngineDbOptions(options, cache);
  db_options.info_log = EngineLog(path);
  rocksdb::DB* db = nullptr;
  const rocksdb::Status status =
      rocksdb::DB::Open(db_options, path, families, &engine->handles, &db);
  if (!status.ok()) return OpenError(path, status);
  engine->db.reset(db);
  engine->options = std::move(options);
  return std::unique_ptr<Database>(new Database(std::move(engine), reads));
}

Database::Database(std::unique_ptr<Engine> engine, BoundedExecutor& reads)
    : engine_(std::move(engine)), reads_(reads) {}
Database::~Database() = default;

std::optional<absl::StatusOr<std::optional<std::string>>> Database::GetCached(
    ColumnFamily family, absl::string_view key) const {
  rocksdb::ReadOptions read;
  read.read_tier = rocksdb::kBlockCacheTier;
  std::string value;
  const rocksdb::Status status =
      engine_->db->Get(read, engine_->handle(family), ToSlice(key), &value);
  if (status.ok()) return std::make_optional(std::move(value));
  if (status.IsNotFound()) return std::optional<std::string>();
  if (status.IsIncomplete()) return std::nullopt;
  return absl::StatusOr<std::optional<std::string>>(ReadError(status));
}

Awaitable<absl::StatusOr<std::optional<std::string>>> Database::Get(ColumnFamily family,
                                                                    std::string key) {
  if (auto cached = GetCached(family, key)) co_return *std::move(cached);
  co_return co_await reads_.Run([&] { return GetBlocking(family, key); });
}

absl::StatusOr<std::optional<std::string>> Database::GetBlocking(ColumnFamily family,
                                                                 absl::string_view key) const {
  std::string value;
  const rocksdb::Status status =
      engine_->db->Get(rocksdb::ReadOptions(), engine_->handle(family), ToSlice(key), &value);
  if (status.ok()) return std::make_optional(std::move(value));
  if (status.IsNotFound()) return std::optional<std::string>();
  return ReadError(status);
}

Awaitable<absl::StatusOr<std::vector<std::optional<std::string>>>> Database::GetMany(
    ColumnFamily family, std::vector<std::string> keys) {
  ManyGets gets{family, std::move(keys)};
  gets.found.resize(gets.keys.size());
  gets.missing.resize(gets.keys.size());
  std::iota(gets.missing.begin(), gets.missing.end(), size_t{0});
  absl::StatusOr<bool> over = gets.Advance(*engine_, rocksdb::kBlockCacheTier);
  if (over.ok() && !*over) {
    over = co_await reads_.Run([&] { return gets.Advance(*engine_, rocksdb::kReadAllTier); });
  }
  if (!over.ok()) co_return over.status();
  co_return std::move(gets.found);
}

Awaitable<absl::Status> Database::Scan(ColumnFamily family, std::string begin, std::string end,
                                       Visitor visit) {
  ScanPosition position{family, std::move(begin), std::move(end), visit};
  const absl::StatusOr<bool> over =
      position.Advance(*engine_, rocksdb::kBlockCacheTier, kInlineRows);
  if (!over.ok()) co_return over.status();
  if (*over) co_return absl::OkStatus();
  co_return co_await reads_.Run([&]() -> absl::Status {
    return position.Advance(*engine_, rocksdb::kReadAllTier, INT64_MAX).status();
  });
}

absl::Status Database::ScanBlocking(ColumnFamily family, absl::string_view begin,
                                    absl::string_view end, Visitor visit) const {
  ScanPosition position{family, std::string(begin), std::string(end), visit};
  return position.Advance(*engine_, rocksdb::kReadAllTier, INT64_MAX).status();
}

absl::Status Database::Write(const WriteBatch& batch, Sync sync) {
  rocksdb::WriteBatch engine_batch(batch.bytes() + 64);
  rocksdb::Status status;
  batch.ForEach([&](const WriteBatch::Write& write) {
    auto* const handle = engine_->handle(write.family);
    rocksdb::Status added;
    switch (write.kind) {
      case WriteBatch::Kind::kPut:
        added = engine_batch.Put(handle, ToSlice(write.key), ToSlice(write.value));
        break;
      case WriteBatch::Kind::kDelete:
        added = engine_batch.Delete(handle, ToSlice(write.key));
        break;
      case WriteBatch::Kind::kDeleteRange:
        added = engine_batch.DeleteRange(handle, ToSlice(write.key), ToSlice(write.value));
        break;
    }
    if (status.ok()) status = added;
  });
  if (status.ok()) {
    rocksdb::WriteOptions options;
    options.sync = engine_->options.sync && sync == Sync::kYes;
    status = engine_->db->Write(options, &engine_batch);
  }
  if (status.ok()) return absl::OkStatus();
  return absl::UnavailableError(
      absl::StrCat("the store did not take a write: ", status.ToString()));
}

}  // namespace penstock::rocks
