// Any bytes are a due key that gives itself again, or none.
#include <cstddef>
#include <cstdint>
#include <cstdlib>

#include "services/memory_recall/memory_keys.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  using namespace penstock::memory_recall;
  const absl::string_view key(reinterpret_cast<const char*>(data), size);
  const auto due = ParseDueKey(key);
  if (due &&
      DueKey(absl::UnixEpoch(), due->kind, due->user, due->what).substr(8) != key.substr(8)) {
    std::abort();
  }
  return 0;
}
