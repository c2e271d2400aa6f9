#include "tests/providersim/faults.h"

#include <algorithm>
#include <iterator>

#include "tests/providersim/directive_words.h"

namespace penstock::providersim {
namespace {

bool IsErrorStatus(int status) { return status >= 400 && status <= 599; }

// "status 429 1500", "status 429 insufficient_quota", "status 500".
bool Status(const Words& words, Faults& out) {
  if (!ReadCount(words, 1, out.status) || !IsErrorStatus(out.status)) return false;
  for (size_t i = 2; i < words.size(); ++i) {
    if (!ReadMillis(words, i, out.retry_after)) out.code = std::string(words[i]);
  }
  return true;
}

// "fail-first 2 status 503".
bool FailFirst(const Words& words, Faults& out) {
  return words.size() == 4 && words[2] == "status" && ReadCount(words, 1, out.fail_first) &&
         ReadCount(words, 3, out.fail_status) && IsErrorStatus(out.fail_status);
}

// "redirect 307 http://127.0.0.1:1/v1/messages".
bool Redirect(const Words& words, Faults& out) {
  constexpr int kStatuses[] = {301, 302, 303, 307, 308};
  if (words.size() != 3 || !ReadCount(words, 1, out.redirect)) return false;
  out.location = std::string(words[2]);
  return std::find(std::begin(kStatuses), std::end(kStatuses), out.redirect) != std::end(kStatuses);
}

bool Html(const Words& words, Faults& out) {
  out.html = 200;
  if (words.size() == 1) return true;
  return words.size() == 2 && ReadCount(words, 1, out.html) && out.html >= 200 && out.html <= 599;
}

// "VERB N": one a message.
bool StrikeAfter(const Words& words, Strike strike, size_t most_words, Faults& out) {
  if (out.strike != Strike::kNone || words.size() > most_words) return false;
  out.strike = strike;
  return ReadCount(words, 1, out.after);
}

// "error-after 3", "error-after 3 529", "error-after 3 429 rate_limit_exceeded".
bool ErrorAfter(const Words& words, Faults& out) {
  if (!StrikeAfter(words, Strike::kError, 4, out)) return false;
  if (words.size() > 3) out.error_code = std::string(words[3]);
  return words.size() == 2 ||
         (ReadCount(words, 2, out.error_status) && IsErrorStatus(out.error_status));
}

bool MalformedAfter(const Words& words, Faults& out) {
  const absl::string_view kind = words.size() > 2 ? words[2] : "json";
  if (kind == "json") return StrikeAfter(words, Strike::kMalformedJson, 3, out);
  if (kind == "shape") return StrikeAfter(words, Strike::kMalformedShape, 3, out);
  return kind == "sse" && StrikeAfter(words, Strike::kMalformedSse, 3, out);
}

bool LongLineAfter(const Words& words, Faults& out) {
  int bytes = 0;
  if (!StrikeAfter(words, Strike::kLongLine, 3, out)) return false;
  if (words.size() == 2) return true;
  if (!ReadCount(words, 2, bytes)) return false;
  out.line_bytes = bytes;
  return true;
}

bool Drip(const Words& words, Faults& out) {
  return words.size() == 2 && !out.drip && ReadMillis(words, 1, out.drip);
}

bool DripAfter(const Words& words, Faults& out) {
  return !out.drip && StrikeAfter(words, Strike::kDrip, 3, out) && ReadMillis(words, 2, out.drip);
}

bool Only(const Words& words, Faults& out) {
  if (words.size() != 2) return false;
  out.only.emplace_back(words[1]);
  return true;
}

bool OnlyFirst(const Words& words, Faults& out) {
  int count = 0;
  if (words.size() != 2 || !ReadCount(words, 1, count)) return false;
  out.only_first = count;
  return true;
}

bool Flag(const Words& words, bool& out) {
  out = true;
  return words.size() == 1;
}

}  // namespace

bool Faults::Concern(absl::string_view format, absl::string_view model) const {
  if (only.empty()) return true;
  return std::any_of(only.begin(), only.end(),
                     [&](const std::string& name) { return name == format || name == model; });
}

bool AddFault(const Words& words, Faults& out) {
  const absl::string_view verb = words.empty() ? "" : words[0];
  if (verb == "status") return Status(words, out);
  if (verb == "fail-first") return FailFirst(words, out);
  if (verb == "redirect") return Redirect(words, out);
  if (verb == "html") return Html(words, out);
  if (verb == "hang-before") return Flag(words, out.hang_before);
  if (verb == "cut-before") return Flag(words, out.cut_before);
  if (verb == "drip") return Drip(words, out);
  if (verb == "error-after") return ErrorAfter(words, out);
  if (verb == "hang-after") return StrikeAfter(words, Strike::kHang, 2, out);
  if (verb == "cut-after") return StrikeAfter(words, Strike::kCut, 2, out);
  if (verb == "truncate-after") return StrikeAfter(words, Strike::kTruncate, 2, out);
  if (verb == "tear-after") return StrikeAfter(words, Strike::kTear, 2, out);
  if (verb == "malformed-after") return MalformedAfter(words, out);
  if (verb == "malformed") return words.size() == 1 && MalformedAfter({verb, "0"}, out);
  if (verb == "long-line-after") return LongLineAfter(words, out);
  if (verb == "drip-after") return DripAfter(words, out);
  if (verb == "no-usage") return Flag(words, out.no_usage);
  if (verb == "only") return Only(words, out);
  if (verb == "only-first") return OnlyFirst(words, out);
  return false;
}

}  // namespace penstock::providersim
