// FNV-1a, 64 bits: what is the same hashes the same, in every process.
#pragma once

#include <cstdint>

#include "absl/strings/string_view.h"

namespace penstock::providersim {

inline constexpr uint64_t kFnvBasis = 0xcbf29ce484222325;

inline uint64_t Fnv(uint64_t hash, absl::string_view bytes) {
  for (char c : bytes) hash = (hash ^ static_cast<unsigned char>(c)) * 0x100000001b3;
  return hash;
}

}  // namespace penstock::providersim
