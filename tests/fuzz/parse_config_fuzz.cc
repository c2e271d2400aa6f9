// Any text is either a configuration or an INVALID_ARGUMENT.
#include <cstddef>
#include <cstdint>
#include <cstdlib>

#include "libs/host/config_loader.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  const auto config = penstock::host::ParseConfig({reinterpret_cast<const char*>(data), size}, "f");
  if (!config.ok() && config.status().code() != absl::StatusCode::kInvalidArgument) std::abort();
  return 0;
}
