#include "libs/host/notation.h"

#include <cmath>
#include <limits>
#include <vector>

#include "libs/base/failpoint.h"
#include "penstock/config/v1/setting.pb.h"

#include "absl/strings/match.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "absl/strings/strip.h"

namespace penstock::host {
namespace {

using google::protobuf::FieldDescriptor;

// google.protobuf.Duration holds no more: 10,000 years.
constexpr absl::Duration kLongest = absl::Seconds(315576000000);

struct SizeUnit {
  absl::string_view suffix;
  int64_t bytes;
};

// Longest suffix first: "KiB" also ends in "B".
constexpr SizeUnit kSizeUnits[] = {{"KiB", int64_t{1} << 10},
                                   {"MiB", int64_t{1} << 20},
                                   {"GiB", int64_t{1} << 30},
                                   {"TiB", int64_t{1} << 40},
                                   {"KB", 1000},
                                   {"MB", 1000000},
                                   {"GB", 1000000000},
                                   {"TB", 1000000000000},
                                   {"B", 1}};

bool IsWholeNumber(absl::string_view text) {
  absl::ConsumePrefix(&text, "-");
  for (const char c : text) {
    if (!absl::ascii_isdigit(static_cast<unsigned char>(c))) return false;
  }
  return !text.empty();
}

std::string FormatSize(int64_t bytes) {
  for (const SizeUnit& unit : {kSizeUnits[3], kSizeUnits[2], kSizeUnits[1], kSizeUnits[0]}) {
    if (bytes >= unit.bytes && bytes % unit.bytes == 0) {
      return absl::StrCat(bytes / unit.bytes, unit.suffix);
    }
  }
  return absl::StrCat(bytes);
}

// A bound of a range, in the notation of its field.
std::string FormatBound(const FieldDescriptor& field, double bound) {
  const Notation notation = NotationOf(field);
  if (notation == Notation::kDuration) return absl::FormatDuration(absl::Seconds(bound));
  if (bound != std::trunc(bound) || std::abs(bound) > 1e15) return absl::StrCat(bound);
  const auto whole = static_cast<int64_t>(bound);
  return notation == Notation::kSize ? FormatSize(whole) : absl::StrCat(whole);
}

std::string EnumNames(const FieldDescriptor& field) {
  std::vector<std::string> names;
  for (int i = 0; i < field.enum_type()->value_count(); ++i) {
    names.push_back(field.enum_type()->value(i)->name());
  }
  return absl::StrJoin(names, ", ");
}

}  // namespace

Notation NotationOf(const FieldDescriptor& field) {
  switch (field.cpp_type()) {
    case FieldDescriptor::CPPTYPE_STRING:
      return Notation::kText;
    case FieldDescriptor::CPPTYPE_BOOL:
      return Notation::kBool;
    case FieldDescriptor::CPPTYPE_ENUM:
      return Notation::kEnum;
    case FieldDescriptor::CPPTYPE_DOUBLE:
    case FieldDescriptor::CPPTYPE_FLOAT:
      return Notation::kNumber;
    case FieldDescriptor::CPPTYPE_MESSAGE:
      return field.message_type()->full_name() == "google.protobuf.Duration" ? Notation::kDuration
                                                                             : Notation::kSection;
    case FieldDescriptor::CPPTYPE_INT64:
      return absl::EndsWith(field.name(), "_bytes") ? Notation::kSize : Notation::kInteger;
    default:
      return Notation::kInteger;
  }
}

std::string DescribeNotation(const FieldDescriptor& field) {
  switch (NotationOf(field)) {
    case Notation::kText:
      return "text";
    case Notation::kBool:
      return "true or false";
    case Notation::kInteger:
      return "a whole number";
    case Notation::kSize:
      return "bytes, such as 4096, 256KiB or 1MiB";
    case Notation::kNumber:
      return "a number";
    case Notation::kDuration:
      return "a duration such as 150ms, 5s, 10m or 24h";
    case Notation::kEnum:
      return absl::StrCat("one of ", EnumNames(field));
    case Notation::kSection:
      return "a map of settings";
  }
  return "";
}

std::string DescribeRange(const FieldDescriptor& field) {
  const auto& setting = field.options().GetExtension(config::v1::setting);
  if (setting.has_min() && setting.has_max()) {
    return absl::StrCat(FormatBound(field, setting.min()), " to ",
                        FormatBound(field, setting.max()));
  }
  if (setting.has_min()) return absl::StrCat("at least ", FormatBound(field, setting.min()));
  if (setting.has_max()) return absl::StrCat("at most ", FormatBound(field, setting.max()));
  return "";
}

std::optional<absl::Duration> ParseDuration(absl::string_view text) {
  absl::Duration value;
  if (!absl::ParseDuration(text, &value)) return std::nullopt;
  if (value > kLongest || value < -kLongest) return std::nullopt;
  return value;
}

std::optional<int64_t> ParseInteger(absl::string_view text) {
  int64_t value = 0;
  if (!IsWholeNumber(text) || !absl::SimpleAtoi(text, &value)) return std::nullopt;
  return value;
}

std::optional<int64_t> ParseSize(absl::string_view text) {
  int64_t unit = 1;
  for (const SizeUnit& candidate : kSizeUnits) {
    if (absl::ConsumeSuffix(&text, candidate.suffix)) {
      unit = candidate.bytes;
      break;
    }
  }
  const std::optional<int64_t> count = ParseInteger(text);
  if (!count || *count < 0) return std::nullopt;
  if (*count > std::numeric_limits<int64_t>::max() / unit &&
      !PENSTOCK_PLANTED_BUG("planted.size_overflow")) {
    return std::nullopt;
  }
  return *count * unit;
}

}  // namespace penstock::host
