#include "tests/contract/refusal_table.h"

#include <algorithm>
#include <fstream>
#include <iterator>

#include <yaml-cpp/yaml.h>

#include "libs/base/status_macros.h"

#include "absl/strings/str_cat.h"

namespace penstock::contract {
namespace {

absl::Status Wrong(const YAML::Node& at, absl::string_view what) {
  return absl::InvalidArgumentError(
      absl::StrCat("refusals.yaml, line ", at.Mark().line + 1, ": ", what));
}

absl::Status CheckKeys(const YAML::Node& node, const std::set<std::string>& allowed) {
  if (!node.IsMap()) return Wrong(node, "expected a map");
  for (const auto& entry : node) {
    const auto key = entry.first.as<std::string>();
    if (!allowed.contains(key)) return Wrong(entry.first, absl::StrCat("unknown key ", key));
  }
  return absl::OkStatus();
}

std::string TextOf(const YAML::Node& node, const char* key, const std::string& otherwise = "") {
  return node[key] ? node[key].as<std::string>() : otherwise;
}

// One text, or a list of them.
std::vector<std::string> TextsOf(const YAML::Node& node) {
  if (!node) return {};
  if (node.IsScalar()) return {node.as<std::string>()};
  return node.as<std::vector<std::string>>();
}

std::set<std::string> SetOf(const YAML::Node& node) {
  const std::vector<std::string> texts = TextsOf(node);
  return {texts.begin(), texts.end()};
}

bool IsTrue(const YAML::Node& node) { return node && node.as<bool>(); }

absl::StatusOr<Reason> ReadReason(const std::string& name, const YAML::Node& node) {
  PENSTOCK_RETURN_IF_ERROR(CheckKeys(node, {"code", "retry", "metadata", "may_have", "means",
                                            "test", "of_listener", "beyond_api"}));
  Reason reason{.name = name,
                .code = TextOf(node, "code"),
                .retry = IsTrue(node["retry"]),
                .metadata = SetOf(node["metadata"]),
                .may_have = SetOf(node["may_have"]),
                .means = TextOf(node, "means"),
                .test = TextOf(node, "test"),
                .of_listener = IsTrue(node["of_listener"]),
                .beyond_api = IsTrue(node["beyond_api"])};
  if (reason.code.empty() || reason.means.empty()) {
    return Wrong(node, absl::StrCat(name, " needs a code and what it means"));
  }
  return reason;
}

bool NamesAField(absl::string_view reason) {
  return reason == "FIELD_INVALID" || reason == "TOO_LARGE";
}

absl::StatusOr<Row> ReadRow(const YAML::Node& node, const RefusalTable& table) {
  PENSTOCK_RETURN_IF_ERROR(CheckKeys(node, {"field", "fault", "caller", "clear", "set", "bytes",
                                            "answer", "at", "metadata", "below"}));
  Row row{.fields = TextsOf(node["field"]),
          .fault = TextOf(node, "fault"),
          .caller = TextOf(node, "caller", "caller"),
          .clear = TextsOf(node["clear"]),
          .set = TextOf(node, "set"),
          .bytes = TextOf(node, "bytes"),
          .answer = TextOf(node, "answer"),
          .at = TextOf(node, "at"),
          .below = IsTrue(node["below"])};
  for (const auto& pair : node["metadata"]) {
    row.metadata[pair.first.as<std::string>()] = pair.second.as<std::string>();
  }
  if (row.fault.empty()) return Wrong(node, "a row needs a fault");
  if (row.answer != "OK" && table.Find(row.answer) == nullptr) {
    return Wrong(node, absl::StrCat("there is no reason \"", row.answer, "\""));
  }
  if (NamesAField(row.answer) && row.at.empty()) {
    if (row.fields.size() != 1) return Wrong(node, "which field does the refusal name?");
    row.at = row.fields[0];
  }
  return row;
}

absl::StatusOr<Group> ReadGroup(const YAML::Node& node, const RefusalTable& table) {
  PENSTOCK_RETURN_IF_ERROR(CheckKeys(node, {"rpcs", "rows"}));
  Group group{.rpcs = TextsOf(node["rpcs"]), .rows = {}};
  if (group.rpcs == std::vector<std::string>{"all"}) {
    group.rpcs.clear();
    for (const auto& [rpc, request] : table.requests) group.rpcs.push_back(rpc);
  }
  for (const std::string& rpc : group.rpcs) {
    if (!table.requests.contains(rpc)) {
      return Wrong(node, absl::StrCat(rpc, " has no good request"));
    }
  }
  for (const YAML::Node& row : node["rows"]) {
    PENSTOCK_ASSIGN_OR_RETURN(group.rows.emplace_back(), ReadRow(row, table));
  }
  return group;
}

absl::StatusOr<RefusalTable> ReadTable(const YAML::Node& file) {
  PENSTOCK_RETURN_IF_ERROR(CheckKeys(file, {"reasons", "turn_errors", "requests", "groups"}));
  RefusalTable table;
  for (const auto& pair : file["reasons"]) {
    PENSTOCK_ASSIGN_OR_RETURN(table.reasons.emplace_back(),
                              ReadReason(pair.first.as<std::string>(), pair.second));
  }
  for (const auto& pair : file["turn_errors"]) {
    table.turn_errors.emplace_back(pair.first.as<std::string>(), pair.second.as<std::string>());
  }
  for (const auto& pair : file["requests"]) {
    PENSTOCK_RETURN_IF_ERROR(CheckKeys(pair.second, {"text"}));
    table.requests[pair.first.as<std::string>()] = TextOf(pair.second, "text");
  }
  for (const YAML::Node& group : file["groups"]) {
    PENSTOCK_ASSIGN_OR_RETURN(table.groups.emplace_back(), ReadGroup(group, table));
  }
  return table;
}

}  // namespace

const Reason* RefusalTable::Find(absl::string_view reason) const {
  const auto found = std::find_if(reasons.begin(), reasons.end(),
                                  [reason](const Reason& each) { return each.name == reason; });
  return found == reasons.end() ? nullptr : &*found;
}

absl::StatusOr<RefusalTable> ParseRefusalTable(const std::string& yaml) {
  try {
    return ReadTable(YAML::Load(yaml));
  } catch (const YAML::Exception& error) {
    return absl::InvalidArgumentError(absl::StrCat("refusals.yaml: ", error.what()));
  }
}

absl::StatusOr<RefusalTable> ReadRefusalTable() {
  std::ifstream file(PENSTOCK_SOURCE_DIR "/tests/contract/refusals.yaml");
  const std::string yaml{std::istreambuf_iterator<char>(file), {}};
  if (yaml.empty()) return absl::NotFoundError("tests/contract/refusals.yaml");
  return ParseRefusalTable(yaml);
}

}  // namespace penstock::contract
