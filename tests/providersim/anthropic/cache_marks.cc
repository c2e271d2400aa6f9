#include "tests/providersim/anthropic/cache_marks.h"

#include <algorithm>
#include <utility>

#include <boost/json/object.hpp>
#include <boost/json/serialize.hpp>

#include "tests/providersim/anthropic/error.h"
#include "tests/providersim/fnv.h"

#include "absl/strings/str_cat.h"

namespace penstock::providersim::anthropic {
namespace {

constexpr int64_t kMostMarks = 4;

}  // namespace

Refused ReadCacheMark(const Fields& block, CacheMark& out) {
  const boost::json::object* control = nullptr;
  if (Refused refused = block.MaybeObject("cache_control", control)) return refused;
  if (control == nullptr) return std::nullopt;
  const Fields fields(*control, block.PathOf("cache_control"));
  absl::string_view type;
  absl::string_view ttl = "5m";
  if (Refused refused = fields.CheckNames({"type", "ttl"})) return refused;
  if (Refused refused = fields.Text("type", type)) return refused;
  if (Refused refused = fields.CheckAmong("type", type, {"ephemeral"})) return refused;
  if (Refused refused = fields.MaybeText("ttl", ttl)) return refused;
  if (Refused refused = fields.CheckAmong("ttl", ttl, {"5m", "1h"})) return refused;
  out = ttl == "1h" ? CacheMark::kOneHour : CacheMark::kFiveMinutes;
  return std::nullopt;
}

void CacheMarks::AddText(absl::string_view role, absl::string_view text, CacheMark mark,
                         const Prompt& prompt) {
  if (enabled_) Add(role, text, mark, prompt);
}

void CacheMarks::AddBlock(absl::string_view role, const boost::json::object& block, CacheMark mark,
                          const Prompt& prompt) {
  if (!enabled_) return;
  boost::json::object unmarked = block;
  unmarked.erase("cache_control");
  Add(role, boost::json::serialize(unmarked), mark, prompt);
}

void CacheMarks::Add(absl::string_view role, absl::string_view text, CacheMark mark,
                     const Prompt& prompt) {
  while (counted_ + 1 < prompt.messages.size()) tokens_ += prompt.messages[counted_++].Tokens();
  const int64_t last = prompt.messages.empty() ? 0 : prompt.messages.back().Tokens();
  const uint64_t before = prefixes_.empty() ? kFnvBasis : prefixes_.back().hash;
  const uint64_t hash = Fnv(Fnv(Fnv(Fnv(before, role), "\n"), text), "\n");
  prefixes_.push_back({.hash = hash, .tokens = prompt.ToolTokens() + tokens_ + last, .mark = mark});
}

void CacheMarks::MarkLast(CacheMark mark) {
  if (!prefixes_.empty() && mark != CacheMark::kNone) prefixes_.back().mark = mark;
}

Refused CacheMarks::Check() const {
  const auto marks = std::count_if(prefixes_.begin(), prefixes_.end(), [](const auto& prefix) {
    return prefix.mark != CacheMark::kNone;
  });
  if (marks > kMostMarks) {
    return Invalid("", absl::StrCat("A maximum of 4 blocks with cache_control may be provided. "
                                    "Found ",
                                    marks, "."));
  }
  bool short_seen = false;
  for (const CachePrefix& prefix : prefixes_) {
    if (prefix.mark == CacheMark::kFiveMinutes) short_seen = true;
    if (prefix.mark == CacheMark::kOneHour && short_seen) {
      return Invalid("",
                     "a ttl='1h' cache_control block must not come after a ttl='5m' cache_control "
                     "block. Note that blocks are processed in the following order: `tools`, "
                     "`system`, `messages`.");
    }
  }
  return std::nullopt;
}

bool CacheMarks::any() const {
  return std::any_of(prefixes_.begin(), prefixes_.end(),
                     [](const auto& prefix) { return prefix.mark != CacheMark::kNone; });
}

std::vector<CachePrefix> CacheMarks::Take() {
  return any() ? std::move(prefixes_) : std::vector<CachePrefix>();
}

}  // namespace penstock::providersim::anthropic
