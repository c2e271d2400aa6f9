// How the values of settings are written, and which are allowed.
//
// The option penstock.config.v1.setting beside a field gives its default and range; the field's
// type and name give its notation.
#pragma once

#include <optional>
#include <string>

#include <google/protobuf/descriptor.h>

#include "absl/strings/string_view.h"
#include "absl/time/time.h"

namespace penstock::host {

enum class Notation {
  kText,
  kBool,
  // int32 or int64, the only integer types a schema may use.
  kInteger,
  // An int64 field whose name ends in _bytes: 4096, "256KiB", "1MiB", "64MB".
  kSize,
  kNumber,
  // google.protobuf.Duration: "150ms", "5s", "1h30m".
  kDuration,
  kEnum,
  // Not a value: a message of settings.
  kSection,
};

Notation NotationOf(const google::protobuf::FieldDescriptor& field);

// "a duration such as 150ms, 5s or 24h".
std::string DescribeNotation(const google::protobuf::FieldDescriptor& field);

// "1 to 256", "at least 1ms", or "" when every value of the type is allowed.
std::string DescribeRange(const google::protobuf::FieldDescriptor& field);

// Sequences of number and unit (ms, s, m, h; also us and ns). Only 0 may stand without a unit. No
// infinity.
std::optional<absl::Duration> ParseDuration(absl::string_view text);

// Digits, perhaps after a minus.
std::optional<int64_t> ParseInteger(absl::string_view text);

// Bytes: a whole number, alone or with B, KB, MB, GB, TB (powers of 1000) or KiB, MiB, GiB, TiB.
std::optional<int64_t> ParseSize(absl::string_view text);

}  // namespace penstock::host
