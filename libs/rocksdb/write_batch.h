// Writes that happen together or not at all.
#pragma once

#include <cstdint>
#include <string>

#include "absl/functional/function_ref.h"
#include "absl/strings/string_view.h"

namespace penstock::rocks {

// The i-th column family of rocks::Options: constexpr rocks::ColumnFamily kHead{0}.
enum class ColumnFamily : uint8_t {};

// A later write of the batch wins over an earlier one of the same key. Movable, not thread-safe.
class WriteBatch {
 public:
  enum class Kind : uint8_t { kPut, kDelete, kDeleteRange };

  struct Write {
    Kind kind;
    ColumnFamily family;
    // kDeleteRange: the first key that goes.
    absl::string_view key;
    // kDeleteRange: the first key that stays.
    absl::string_view value;
  };

  void Put(ColumnFamily family, absl::string_view key, absl::string_view value) {
    Add(Kind::kPut, family, key, value);
  }
  void Delete(ColumnFamily family, absl::string_view key) { Add(Kind::kDelete, family, key, ""); }
  // Deletes [begin, end). Many of them slow reads down: use it for 64 keys and more.
  void DeleteRange(ColumnFamily family, absl::string_view begin, absl::string_view end) {
    Add(Kind::kDeleteRange, family, begin, end);
  }
  // Adds the writes of `other` after those of this one.
  void Append(const WriteBatch& other) {
    writes_ += other.writes_;
    size_ += other.size_;
  }

  bool empty() const { return size_ == 0; }
  // Number of writes.
  int64_t size() const { return size_; }
  // Memory they take.
  size_t bytes() const { return writes_.size(); }

  // In the order in which they were added.
  void ForEach(absl::FunctionRef<void(const Write&)> visit) const;

 private:
  void Add(Kind kind, ColumnFamily family, absl::string_view key, absl::string_view value);

  std::string writes_;
  int64_t size_ = 0;
};

}  // namespace penstock::rocks
