#include "services/gateway/field_checks.h"

#include <algorithm>

#include <utf8proc.h>

#include "libs/base/refusal.h"
#include "libs/base/status_macros.h"

#include "absl/strings/ascii.h"
#include "absl/strings/escaping.h"
#include "absl/strings/str_cat.h"

namespace penstock::gateway {
namespace {

constexpr size_t kMaxRequestIdBytes = 128;
constexpr size_t kMaxLabels = 16;
constexpr size_t kMaxLabelKeyBytes = 64;
constexpr size_t kMaxLabelValueBytes = 256;
constexpr int32_t kMaxPageSize = 1000;
constexpr size_t kMaxPageTokenBytes = 4 << 10;
// Of google.protobuf.Duration, and 0001-01-01 to 9999-12-31 of Timestamp.
constexpr int64_t kMaxDurationSeconds = 315'576'000'000;
constexpr int64_t kMinTimeSeconds = -62'135'596'800;
constexpr int64_t kMaxTimeSeconds = 253'402'300'799;
constexpr int64_t kMaxNanos = 999'999'999;

}  // namespace

std::string Quoted(absl::string_view text) {
  return absl::StrCat("\"", absl::CHexEscape(text.substr(0, 80)), "\"");
}

absl::Status CheckRequestId(absl::string_view request_id) {
  const bool printable = std::all_of(request_id.begin(), request_id.end(), [](char c) {
    return absl::ascii_isprint(static_cast<unsigned char>(c));
  });
  if (printable && request_id.size() <= kMaxRequestIdBytes) return absl::OkStatus();
  return FieldInvalid("request_id",
                      printable ? absl::StrCat(request_id.size(), " characters")
                                : "a character that is not printable ASCII",
                      "1 to 128 printable ASCII characters");
}

absl::Status CheckLabels(const google::protobuf::Map<std::string, std::string>& labels,
                         absl::string_view field) {
  if (labels.size() > kMaxLabels) {
    return FieldInvalid(field, absl::StrCat(labels.size(), " entries"),
                        absl::StrCat("at most ", kMaxLabels));
  }
  for (const auto& [key, value] : labels) {
    if (key.empty() || key.size() > kMaxLabelKeyBytes) {
      return FieldInvalid(field, absl::StrCat("a key of ", key.size(), " bytes"),
                          absl::StrCat("1 to ", kMaxLabelKeyBytes, " bytes"));
    }
    if (value.size() > kMaxLabelValueBytes) {
      return FieldInvalid(field, absl::StrCat("a value of ", value.size(), " bytes"),
                          absl::StrCat("at most ", kMaxLabelValueBytes, " bytes"));
    }
  }
  return absl::OkStatus();
}

absl::Status CheckPage(int32_t page_size, absl::string_view page_token) {
  PENSTOCK_RETURN_IF_ERROR(CheckRange("page_size", page_size, 0, kMaxPageSize));
  if (page_token.size() <= kMaxPageTokenBytes) return absl::OkStatus();
  return FieldInvalid("page_token", absl::StrCat(page_token.size(), " bytes"),
                      "next_page_token of the page before");
}

absl::Status CheckRange(absl::string_view field, int64_t found, int64_t min, int64_t max) {
  if (found >= min && found <= max) return absl::OkStatus();
  return FieldInvalid(field, absl::StrCat(found), absl::StrCat(min, " to ", max));
}

bool IsUtf8(absl::string_view text) {
  const auto* next = reinterpret_cast<const utf8proc_uint8_t*>(text.data());
  for (auto left = static_cast<utf8proc_ssize_t>(text.size()); left > 0;) {
    utf8proc_int32_t character = 0;
    const utf8proc_ssize_t bytes = utf8proc_iterate(next, left, &character);
    if (bytes <= 0) return false;
    next += bytes;
    left -= bytes;
  }
  return true;
}

absl::Status CheckSize(absl::string_view field, uint64_t found_bytes, uint64_t max_bytes) {
  if (found_bytes <= max_bytes) return absl::OkStatus();
  return TooLarge(field, absl::StrCat(found_bytes, " bytes"),
                  absl::StrCat("at most ", max_bytes, " bytes"));
}

absl::Status CheckDuration(absl::string_view field, const google::protobuf::Duration& duration) {
  PENSTOCK_RETURN_IF_ERROR(CheckRange(absl::StrCat(field, ".seconds"), duration.seconds(),
                                      -kMaxDurationSeconds, kMaxDurationSeconds));
  const int64_t min = duration.seconds() > 0 ? 0 : -kMaxNanos;
  const int64_t max = duration.seconds() < 0 ? 0 : kMaxNanos;
  return CheckRange(absl::StrCat(field, ".nanos"), duration.nanos(), min, max);
}

absl::Status CheckTimestamp(absl::string_view field, const google::protobuf::Timestamp& time) {
  PENSTOCK_RETURN_IF_ERROR(CheckRange(absl::StrCat(field, ".seconds"), time.seconds(),
                                      kMinTimeSeconds, kMaxTimeSeconds));
  return CheckRange(absl::StrCat(field, ".nanos"), time.nanos(), 0, kMaxNanos);
}

}  // namespace penstock::gateway
