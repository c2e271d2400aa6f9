#include "libs/rocksdb/write_batch.h"

#include <cstring>

namespace penstock::rocks {
namespace {

// What stands before key and value of each write, in memory only.
struct Header {
  WriteBatch::Kind kind;
  ColumnFamily family;
  uint32_t key_bytes;
  uint32_t value_bytes;
};

}  // namespace

void WriteBatch::Add(Kind kind, ColumnFamily family, absl::string_view key,
                     absl::string_view value) {
  const Header header{kind, family, static_cast<uint32_t>(key.size()),
                      static_cast<uint32_t>(value.size())};
  writes_.append(reinterpret_cast<const char*>(&header), sizeof(header));
  writes_.append(key.data(), key.size());
  writes_.append(value.data(), value.size());
  ++size_;
}

void WriteBatch::ForEach(absl::FunctionRef<void(const Write&)> visit) const {
  absl::string_view rest = writes_;
  while (!rest.empty()) {
    Header header;
    std::memcpy(&header, rest.data(), sizeof(header));
    rest.remove_prefix(sizeof(header));
    visit(Write{header.kind, header.family, rest.substr(0, header.key_bytes),
                rest.substr(header.key_bytes, header.value_bytes)});
    rest.remove_prefix(size_t{header.key_bytes} + header.value_bytes);
  }
}

}  // namespace penstock::rocks
