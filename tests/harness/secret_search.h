// Finds secrets in what a run left behind, in the shapes in which they leak.
#pragma once

#include <string>
#include <utility>
#include <vector>

#include "absl/strings/string_view.h"

namespace penstock::harness {

// Not thread-safe while secrets are added; const calls are.
class SecretSearch {
 public:
  // `name` stands for it in what is found, so that no report repeats it. At least 8 bytes, text or
  // not. Looked for as it is, in hex (both cases), and in base64 (both alphabets, without padding)
  // wherever it stands inside of what was encoded.
  void Add(const std::string& name, absl::string_view secret);

  // "provider key in base64", each once.
  std::vector<std::string> FoundIn(absl::string_view bytes) const;

  // Of all files below `folder`, those left out whose path holds one of `except`:
  // "gateway.err: provider key as it is".
  std::vector<std::string> FoundBelow(const std::string& folder,
                                      const std::vector<std::string>& except = {}) const;

 private:
  // What is found, and the bytes that say so.
  std::vector<std::pair<std::string, std::string>> shapes_;
};

}  // namespace penstock::harness
