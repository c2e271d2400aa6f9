// A text that others read as a file, though it is on no disk: for the key material of gRPC, whose
// certificate providers take paths.
#pragma once

#include <ctime>
#include <string>

#include "absl/status/status.h"
#include "absl/strings/string_view.h"

namespace penstock::rpc {

// Not thread-safe; its readers may be anywhere in the process.
class MemoryFile {
 public:
  MemoryFile() = default;
  ~MemoryFile();
  MemoryFile(const MemoryFile&) = delete;
  MemoryFile& operator=(const MemoryFile&) = delete;

  // Exchanges the text as a whole: who opens the path sees the text before or the one after. Each
  // has a modification time of its own, a second apart, so that a reader who compares times finds
  // out. An error of the system when there is no memory or descriptor left; then the text stays.
  absl::Status Set(absl::string_view text);

  // After Set, and the same from then on. For this process only.
  std::string path() const;

 private:
  int descriptor_ = -1;
  time_t version_ = 0;
};

}  // namespace penstock::rpc
