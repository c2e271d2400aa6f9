#include "services/cli/output.h"

#include <algorithm>

#include <google/protobuf/util/json_util.h>

#include "libs/base/proto_time.h"
#include "libs/base/status_macros.h"

#include "absl/strings/str_cat.h"
#include "absl/strings/str_replace.h"

namespace penstock::cli {

absl::StatusOr<bool> WantsJson(const Arguments& arguments) {
  PENSTOCK_ASSIGN_OR_RETURN(const std::string output,
                            arguments.Choice("--output", {"text", "json"}));
  return output == "json";
}

std::string JsonLine(const google::protobuf::Message& message) {
  std::string json;
  const auto status = google::protobuf::util::MessageToJsonString(message, &json);
  if (!status.ok()) return absl::StrCat("{\"error\":\"", status.ToString(), "\"}\n");
  return json + "\n";
}

std::string Sheet(const std::vector<std::pair<std::string, std::string>>& pairs) {
  size_t width = 0;
  for (const auto& [key, value] : pairs) {
    if (!value.empty()) width = std::max(width, key.size());
  }
  std::string sheet;
  for (const auto& [key, value] : pairs) {
    if (value.empty()) continue;
    const std::string margin = absl::StrCat("\n", std::string(width + 2, ' '));
    absl::StrAppend(&sheet, key, ":", std::string(width + 1 - key.size(), ' '),
                    absl::StrReplaceAll(value, {{"\n", margin}}), "\n");
  }
  return sheet;
}

std::string TimeText(bool present, const google::protobuf::Timestamp& time) {
  if (!present) return "";
  return absl::FormatTime("%Y-%m-%d %H:%M:%S UTC", FromProto(time), absl::UTCTimeZone());
}

}  // namespace penstock::cli
