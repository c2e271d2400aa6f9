#include "libs/obs/trace.h"

#include <algorithm>
#include <array>
#include <random>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"

namespace penstock::obs {
namespace {

// Trace ids need no secrecy, only to differ.
std::mt19937_64& Generator() {
  thread_local std::mt19937_64 generator{std::random_device{}()};
  return generator;
}

std::string RandomHex16() {
  uint64_t value = 0;
  while (value == 0) value = Generator()();
  return absl::StrFormat("%016x", value);
}

bool IsHexId(absl::string_view text, size_t size) {
  const auto is_lower_hex = [](char c) { return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'f'); };
  return text.size() == size && std::all_of(text.begin(), text.end(), is_lower_hex) &&
         std::any_of(text.begin(), text.end(), [](char c) { return c != '0'; });
}

}  // namespace

TraceContext ParseOrStart(absl::string_view traceparent) {
  // version(2) - trace id(32) - span id(16) - flags(2); later versions may append more.
  constexpr size_t kSize = 55;
  const bool shaped = traceparent.size() >= kSize && traceparent[2] == '-' &&
                      traceparent[35] == '-' && traceparent[52] == '-' &&
                      traceparent.substr(0, 2) != "ff" &&
                      (traceparent.size() == kSize || traceparent[kSize] == '-');
  if (shaped && IsHexId(traceparent.substr(3, 32), 32) && IsHexId(traceparent.substr(36, 16), 16)) {
    const char flags = traceparent[54];
    const int low = flags >= 'a' ? flags - 'a' + 10 : flags - '0';
    return {std::string(traceparent.substr(3, 32)), std::string(traceparent.substr(36, 16)),
            (low & 1) != 0};
  }
  return {absl::StrCat(RandomHex16(), RandomHex16()), RandomHex16(), false};
}

TraceContext ChildOf(const TraceContext& parent) {
  return {parent.trace_id, RandomHex16(), parent.sampled};
}

std::string ToTraceparent(const TraceContext& context) {
  return absl::StrCat("00-", context.trace_id, "-", context.span_id, "-",
                      context.sampled ? "01" : "00");
}

}  // namespace penstock::obs
