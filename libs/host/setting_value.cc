#include "libs/host/setting_value.h"

#include <cmath>
#include <optional>
#include <utility>

#include <google/protobuf/duration.pb.h>

#include "libs/base/status_macros.h"
#include "libs/host/notation.h"
#include "penstock/config/v1/setting.pb.h"

#include "absl/strings/escaping.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/time/time.h"

namespace penstock::host {
namespace {

using google::protobuf::FieldDescriptor;
using google::protobuf::Message;

constexpr size_t kMaxShownBytes = 64;
std::optional<double> ParseNumber(absl::string_view text) {
  double value = 0;
  if (!absl::SimpleAtod(text, &value) || !std::isfinite(value)) return std::nullopt;
  return value;
}

absl::Status Refuse(absl::string_view text, absl::string_view allowed) {
  return absl::InvalidArgumentError(
      absl::StrCat("found \"", absl::CEscape(text.substr(0, kMaxShownBytes)),
                   text.size() > kMaxShownBytes ? "..." : "", "\", allowed ", allowed));
}

absl::Status CheckRange(const FieldDescriptor& field, absl::string_view text, double value) {
  const auto& setting = field.options().GetExtension(config::v1::setting);
  const bool low = setting.has_min() && value < setting.min();
  const bool high = setting.has_max() && value > setting.max();
  if (!low && !high) return absl::OkStatus();
  return Refuse(text, DescribeRange(field));
}

void PutInteger(const FieldDescriptor& field, int64_t value, Message& message) {
  const auto& reflection = *message.GetReflection();
  const bool add = field.is_repeated();
  if (field.cpp_type() == FieldDescriptor::CPPTYPE_INT32) {
    const auto number = static_cast<int32_t>(value);
    add ? reflection.AddInt32(&message, &field, number)
        : reflection.SetInt32(&message, &field, number);
  } else {
    add ? reflection.AddInt64(&message, &field, value)
        : reflection.SetInt64(&message, &field, value);
  }
}

absl::Status SetInteger(const FieldDescriptor& field, absl::string_view text, Message& message) {
  const std::optional<int64_t> value =
      NotationOf(field) == Notation::kSize ? ParseSize(text) : ParseInteger(text);
  const bool narrow = field.cpp_type() == FieldDescriptor::CPPTYPE_INT32;
  if (!value || (narrow && !std::in_range<int32_t>(*value))) {
    return Refuse(text, DescribeNotation(field));
  }
  PENSTOCK_RETURN_IF_ERROR(CheckRange(field, text, static_cast<double>(*value)));
  PutInteger(field, *value, message);
  return absl::OkStatus();
}

absl::Status SetNumber(const FieldDescriptor& field, absl::string_view text, Message& message) {
  const std::optional<double> value = ParseNumber(text);
  if (!value) return Refuse(text, DescribeNotation(field));
  PENSTOCK_RETURN_IF_ERROR(CheckRange(field, text, *value));
  const auto& reflection = *message.GetReflection();
  const bool add = field.is_repeated();
  if (field.cpp_type() == FieldDescriptor::CPPTYPE_FLOAT) {
    const auto number = static_cast<float>(*value);
    add ? reflection.AddFloat(&message, &field, number)
        : reflection.SetFloat(&message, &field, number);
  } else {
    add ? reflection.AddDouble(&message, &field, *value)
        : reflection.SetDouble(&message, &field, *value);
  }
  return absl::OkStatus();
}

absl::Status SetBool(const FieldDescriptor& field, absl::string_view text, Message& message) {
  if (text != "true" && text != "false") return Refuse(text, DescribeNotation(field));
  const auto& reflection = *message.GetReflection();
  field.is_repeated() ? reflection.AddBool(&message, &field, text == "true")
                      : reflection.SetBool(&message, &field, text == "true");
  return absl::OkStatus();
}

absl::Status SetEnum(const FieldDescriptor& field, absl::string_view text, Message& message) {
  const auto* value = field.enum_type()->FindValueByName(std::string(text));
  if (value == nullptr) return Refuse(text, DescribeNotation(field));
  const auto& reflection = *message.GetReflection();
  field.is_repeated() ? reflection.AddEnum(&message, &field, value)
                      : reflection.SetEnum(&message, &field, value);
  return absl::OkStatus();
}

absl::Status SetText(const FieldDescriptor& field, absl::string_view text, Message& message) {
  const auto& reflection = *message.GetReflection();
  field.is_repeated() ? reflection.AddString(&message, &field, std::string(text))
                      : reflection.SetString(&message, &field, std::string(text));
  return absl::OkStatus();
}

absl::Status SetDuration(const FieldDescriptor& field, absl::string_view text, Message& message) {
  const std::optional<absl::Duration> value = ParseDuration(text);
  if (!value) return Refuse(text, DescribeNotation(field));
  PENSTOCK_RETURN_IF_ERROR(CheckRange(field, text, absl::ToDoubleSeconds(*value)));
  absl::Duration rest;
  google::protobuf::Duration duration;
  duration.set_seconds(absl::IDivDuration(*value, absl::Seconds(1), &rest));
  duration.set_nanos(static_cast<int32_t>(absl::ToInt64Nanoseconds(rest)));
  const auto& reflection = *message.GetReflection();
  Message* const into = field.is_repeated() ? reflection.AddMessage(&message, &field)
                                            : reflection.MutableMessage(&message, &field);
  // Through its bytes: the field of a dynamic message is no google::protobuf::Duration.
  into->ParseFromString(duration.SerializeAsString());
  return absl::OkStatus();
}

}  // namespace

absl::Status SetValue(const FieldDescriptor& field, absl::string_view text, Message& message) {
  switch (NotationOf(field)) {
    case Notation::kText:
      return SetText(field, text, message);
    case Notation::kBool:
      return SetBool(field, text, message);
    case Notation::kInteger:
    case Notation::kSize:
      return SetInteger(field, text, message);
    case Notation::kNumber:
      return SetNumber(field, text, message);
    case Notation::kDuration:
      return SetDuration(field, text, message);
    case Notation::kEnum:
      return SetEnum(field, text, message);
    case Notation::kSection:
      break;
  }
  return absl::InternalError(absl::StrCat(field.full_name(), " is no value"));
}

}  // namespace penstock::host
