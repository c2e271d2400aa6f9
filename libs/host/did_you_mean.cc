#include "libs/host/did_you_mean.h"

#include <algorithm>
#include <numeric>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"

namespace penstock::host {
namespace {

// No setting is longer; keeps the table small whatever is asked.
constexpr size_t kLongestName = 64;

// Levenshtein's distance: insertions, deletions and replacements.
size_t EditDistance(absl::string_view a, absl::string_view b) {
  std::vector<size_t> row(b.size() + 1);
  std::iota(row.begin(), row.end(), size_t{0});
  for (size_t i = 1; i <= a.size(); ++i) {
    size_t diagonal = std::exchange(row[0], i);
    for (size_t j = 1; j <= b.size(); ++j) {
      const size_t replaced = diagonal + (a[i - 1] == b[j - 1] ? 0 : 1);
      diagonal = std::exchange(row[j], std::min({row[j] + 1, row[j - 1] + 1, replaced}));
    }
  }
  return row[b.size()];
}

}  // namespace

std::string DidYouMean(absl::string_view found, const std::vector<std::string>& known) {
  if (known.empty()) return "";
  const std::string* nearest = nullptr;
  size_t nearest_distance = std::max<size_t>(2, found.size() / 3) + 1;
  for (const std::string& name : known) {
    if (found.size() > kLongestName) break;
    const size_t distance = EditDistance(found, name);
    if (distance < nearest_distance && distance < name.size()) {
      nearest = &name;
      nearest_distance = distance;
    }
  }
  if (nearest != nullptr) return absl::StrCat("; did you mean ", *nearest, "?");
  return absl::StrCat("; known are ", absl::StrJoin(known, ", "));
}

}  // namespace penstock::host
