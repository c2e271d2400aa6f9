// How answers are printed: one line of JSON each, or text.
#pragma once

#include <string>
#include <utility>
#include <vector>

#include <google/protobuf/message.h>
#include <google/protobuf/timestamp.pb.h>

#include "services/cli/command_line.h"

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"

namespace penstock::cli {

// --output.
absl::StatusOr<bool> WantsJson(const Arguments& arguments);

// Protobuf's JSON on one line, with its newline.
std::string JsonLine(const google::protobuf::Message& message);

// "name:   sessions/s1" by line, aligned; pairs without a value are left out, and further lines of
// a value stand below its first.
std::string Sheet(const std::vector<std::pair<std::string, std::string>>& pairs);

// "2026-01-31 12:00:00 UTC"; "" for one that is absent.
std::string TimeText(bool present, const google::protobuf::Timestamp& time);

// "a=1, b=2"
template <class Labels>
std::string LabelsText(const Labels& labels) {
  std::string text;
  for (const auto& [key, value] : labels) {
    if (!text.empty()) text += ", ";
    text += key + "=" + value;
  }
  return text;
}

}  // namespace penstock::cli
