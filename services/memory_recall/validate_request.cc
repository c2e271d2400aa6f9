#include "services/memory_recall/validate_request.h"

#include <algorithm>

#include "libs/base/ids.h"
#include "libs/base/proto_time.h"
#include "libs/base/refusal.h"
#include "libs/base/status_macros.h"

#include "absl/strings/ascii.h"
#include "absl/strings/str_cat.h"

namespace penstock::memory_recall {
namespace {

constexpr int64_t kMaxRecalled = 15;
constexpr int64_t kMaxPageSize = 1000;
constexpr int64_t kMaxHits = 100;
constexpr int64_t kMaxQueryBytes = 4096;
constexpr int64_t kMaxRequestIdBytes = 128;
constexpr int64_t kMaxLabels = 16;
constexpr int64_t kMaxLabelKeyBytes = 64;
constexpr int64_t kMaxLabelValueBytes = 256;
// 0001-01-01 and 9999-12-31, the range of google.protobuf.Timestamp.
constexpr int64_t kMinSeconds = -62135596800;
constexpr int64_t kMaxSeconds = 253402300799;

absl::Status CheckRange(absl::string_view field, int64_t found, int64_t min, int64_t max) {
  if (found >= min && found <= max) return absl::OkStatus();
  return FieldInvalid(field, absl::StrCat(found), absl::StrCat(min, " to ", max));
}

absl::Status CheckBytes(absl::string_view field, absl::string_view text, int64_t min, int64_t max) {
  const auto size = static_cast<int64_t>(text.size());
  if (size >= min && size <= max) return absl::OkStatus();
  return FieldInvalid(field, absl::StrCat(size, " bytes"),
                      absl::StrCat(min, " to ", max, " bytes"));
}

absl::Status CheckTime(absl::string_view field, const google::protobuf::Timestamp& time) {
  PENSTOCK_RETURN_IF_ERROR(
      CheckRange(absl::StrCat(field, ".seconds"), time.seconds(), kMinSeconds, kMaxSeconds));
  return CheckRange(absl::StrCat(field, ".nanos"), time.nanos(), 0, 999'999'999);
}

absl::Status CheckRequestId(absl::string_view id) {
  PENSTOCK_RETURN_IF_ERROR(CheckBytes("request_id", id, 0, kMaxRequestIdBytes));
  const bool printable = std::all_of(id.begin(), id.end(), [](char c) {
    return absl::ascii_isprint(static_cast<unsigned char>(c));
  });
  if (printable) return absl::OkStatus();
  return FieldInvalid("request_id", "a character that is not printable ASCII",
                      "1 to 128 printable ASCII characters");
}

absl::Status CheckLabels(const google::protobuf::Map<std::string, std::string>& labels) {
  const auto count = static_cast<int64_t>(labels.size());
  if (count > kMaxLabels) {
    return FieldInvalid("memory.labels", absl::StrCat(count, " entries"),
                        absl::StrCat("at most ", kMaxLabels));
  }
  for (const auto& [key, value] : labels) {
    PENSTOCK_RETURN_IF_ERROR(CheckBytes("memory.labels.key", key, 1, kMaxLabelKeyBytes));
    PENSTOCK_RETURN_IF_ERROR(CheckBytes("memory.labels.value", value, 0, kMaxLabelValueBytes));
  }
  return absl::OkStatus();
}

}  // namespace

absl::Status Validate(const memory::v1::RecallRequest& request) {
  PENSTOCK_RETURN_IF_ERROR(CheckRange("max_memories", request.max_memories(), 0, kMaxRecalled));
  PENSTOCK_RETURN_IF_ERROR(CheckRange("max_tokens", request.max_tokens(), 0, INT64_MAX));
  if (request.exclude_session().empty()) return absl::OkStatus();
  return ParseSessionName(request.exclude_session(), "exclude_session").status();
}

absl::Status Validate(const memory::v1::IngestRequest& request) {
  PENSTOCK_RETURN_IF_ERROR(ParseTurnName(request.turn(), "turn").status());
  if (!request.has_time()) return absl::OkStatus();
  PENSTOCK_RETURN_IF_ERROR(CheckTime("time", request.time()));
  return CheckRange("time.seconds", request.time().seconds(), 0, kMaxSeconds);
}

absl::Status Validate(const memory::v1::CreateMemoryRequest& request, int64_t max_memory_bytes,
                      absl::Time now) {
  const auto& memory = request.memory();
  PENSTOCK_RETURN_IF_ERROR(CheckRequestId(request.request_id()));
  PENSTOCK_RETURN_IF_ERROR(CheckBytes("memory.text", memory.text(), 1, max_memory_bytes));
  PENSTOCK_RETURN_IF_ERROR(CheckLabels(memory.labels()));
  if (!memory.has_expire_time()) return absl::OkStatus();
  PENSTOCK_RETURN_IF_ERROR(CheckTime("memory.expire_time", memory.expire_time()));
  const absl::Time expire_time = FromProto(memory.expire_time());
  if (expire_time > now) return absl::OkStatus();
  return FieldInvalid("memory.expire_time", absl::FormatTime(expire_time, absl::UTCTimeZone()),
                      "a time in the future");
}

absl::Status Validate(const memory::v1::ListMemoriesRequest& request) {
  return CheckRange("page_size", request.page_size(), 0, kMaxPageSize);
}

absl::Status Validate(const memory::v1::SearchMemoriesRequest& request) {
  PENSTOCK_RETURN_IF_ERROR(CheckBytes("query", request.query(), 1, kMaxQueryBytes));
  return CheckRange("limit", request.limit(), 0, kMaxHits);
}

}  // namespace penstock::memory_recall
