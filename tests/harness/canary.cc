#include "tests/harness/canary.h"

#include <algorithm>

#include "libs/identity/sha256.h"

#include "absl/strings/ascii.h"
#include "absl/strings/escaping.h"
#include "absl/strings/str_cat.h"

namespace penstock::harness {
namespace {

constexpr absl::string_view kPrefix = "canary";
constexpr size_t kLength = kPrefix.size() + 16;

}  // namespace

std::string CanaryOf(absl::string_view owner) {
  identity::Sha256 hash;
  hash.Update(owner);
  const auto digest = hash.Finish();
  const absl::string_view bytes(reinterpret_cast<const char*>(digest.data()), digest.size());
  return absl::StrCat(kPrefix, absl::BytesToHexString(bytes.substr(0, 8)));
}

std::vector<std::string> CanariesIn(absl::string_view bytes) {
  std::vector<std::string> found;
  for (size_t at = bytes.find(kPrefix); at != absl::string_view::npos;
       at = bytes.find(kPrefix, at + 1)) {
    const absl::string_view word = bytes.substr(at, kLength);
    const absl::string_view digits = word.substr(kPrefix.size());
    if (word.size() != kLength ||
        !std::all_of(digits.begin(), digits.end(), absl::ascii_isxdigit)) {
      continue;
    }
    if (std::find(found.begin(), found.end(), word) == found.end()) found.emplace_back(word);
  }
  return found;
}

}  // namespace penstock::harness
