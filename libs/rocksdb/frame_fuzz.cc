// Whatever stands in a store, reading it ends in a value or a status.
#include <cstddef>
#include <cstdint>

#include "google/rpc/status.pb.h"
#include "libs/rocksdb/frame.h"
#include "libs/rocksdb/key.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  const absl::string_view stored(reinterpret_cast<const char*>(data), size);
  google::rpc::Status message;
  penstock::rocks::ParseFramed(stored, {1, 2}, message).IgnoreError();

  penstock::rocks::KeyReader reader(stored);
  uint8_t kind = 0;
  uint64_t sequence = 0;
  absl::string_view user;
  if (reader.U8(kind) && reader.Bytes(16, user) && reader.Descending(sequence)) {
    const std::string again =
        penstock::rocks::KeyBuilder().U8(kind).Bytes(user).Descending(sequence).Take();
    if (again != stored.substr(0, again.size())) __builtin_trap();
  }
  if (penstock::rocks::PrefixSuccessor(stored) <= std::string(stored) && size < 64)
    __builtin_trap();
  return 0;
}
