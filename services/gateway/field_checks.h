// Checks of single fields. Each answers FIELD_INVALID or TOO_LARGE with the path that it was given.
#pragma once

#include <cstdint>
#include <string>

#include <google/protobuf/duration.pb.h>
#include <google/protobuf/map.h>
#include <google/protobuf/timestamp.pb.h>

#include "absl/status/status.h"
#include "absl/strings/string_view.h"

namespace penstock::gateway {

// The beginning of `text` in quotes, for a refusal.
std::string Quoted(absl::string_view text);

// 1 to 128 printable ASCII characters, or absent.
absl::Status CheckRequestId(absl::string_view request_id);

// At most 16; key 1 to 64 bytes, value at most 256.
absl::Status CheckLabels(const google::protobuf::Map<std::string, std::string>& labels,
                         absl::string_view field);

// Size 0 to 1,000; token at most 4 KiB.
absl::Status CheckPage(int32_t page_size, absl::string_view page_token);

absl::Status CheckRange(absl::string_view field, int64_t found, int64_t min, int64_t max);

// As protobuf's strings are.
bool IsUtf8(absl::string_view text);

// TOO_LARGE.
absl::Status CheckSize(absl::string_view field, uint64_t found_bytes, uint64_t max_bytes);

// Seconds and nanos within google.protobuf's ranges, of the same sign.
absl::Status CheckDuration(absl::string_view field, const google::protobuf::Duration& duration);
absl::Status CheckTimestamp(absl::string_view field, const google::protobuf::Timestamp& time);

}  // namespace penstock::gateway
