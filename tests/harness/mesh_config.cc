#include "tests/harness/mesh_config.h"

#include <fstream>
#include <sstream>
#include <vector>

#include <yaml-cpp/yaml.h>

#include "libs/base/status_macros.h"

#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"

namespace penstock::harness {
namespace {

using Path = std::vector<std::string>;

absl::Status DoesNotFit(absl::string_view path, absl::string_view why) {
  return absl::InvalidArgumentError(absl::StrCat("setting ", path, ": ", why));
}

// Nodes of yaml-cpp are handles: what is put below one stands in the document.
absl::StatusOr<YAML::Node> Descend(YAML::Node node, const std::string& key,
                                   absl::string_view path) {
  size_t index = 0;
  if (!absl::SimpleAtoi(key, &index)) {
    if (node.IsDefined() && !node.IsNull() && !node.IsMap()) {
      return DoesNotFit(path, absl::StrCat("\"", key, "\" stands below something that is no map"));
    }
    return node[key];
  }
  if (node.IsDefined() && !node.IsNull() && !node.IsSequence()) {
    return DoesNotFit(path, absl::StrCat("\"", key, "\" stands below something that is no list"));
  }
  if (index > node.size()) {
    return DoesNotFit(path, absl::StrCat("entry ", index, " of a list of ", node.size()));
  }
  if (index == node.size()) node.push_back(YAML::Node());
  return node[index];
}

absl::StatusOr<YAML::Node> Below(const YAML::Node& document, absl::string_view path) {
  YAML::Node node = document;
  for (const std::string& key : Path(absl::StrSplit(path, '.'))) {
    PENSTOCK_ASSIGN_OR_RETURN(const YAML::Node next, Descend(node, key, path));
    node.reset(next);
  }
  return node;
}

}  // namespace

Settings WithoutLimits() {
  return {{"tiers",
           "[{name: free, turn_class: FREE}, {name: paid, turn_class: PAID}, "
           "{name: unlimited, turn_class: PAID}]"},
          {"queue.action_max_wait", "24h"},
          {"queue.paid_max_wait", "24h"},
          {"queue.free_max_wait", "24h"}};
}

absl::StatusOr<std::string> SampleConfig() {
  const std::string path = absl::StrCat(PENSTOCK_SOURCE_DIR, "/deploy/config/five.yaml");
  std::ifstream file(path);
  if (!file) return absl::NotFoundError(path);
  std::ostringstream text;
  text << file.rdbuf();
  return text.str();
}

absl::StatusOr<std::string> WithSettings(absl::string_view yaml, const Settings& settings) {
  try {
    const YAML::Node document = YAML::Load(std::string(yaml));
    for (const auto& [path, value] : settings) {
      PENSTOCK_ASSIGN_OR_RETURN(YAML::Node node, Below(document, path));
      node = YAML::Load(value);
    }
    return absl::StrCat(YAML::Dump(document), "\n");
  } catch (const YAML::Exception& error) {
    return absl::InvalidArgumentError(error.what());
  }
}

absl::StatusOr<std::string> SettingOf(absl::string_view yaml, absl::string_view path) {
  try {
    PENSTOCK_ASSIGN_OR_RETURN(const YAML::Node node, Below(YAML::Load(std::string(yaml)), path));
    if (node.IsScalar()) return node.Scalar();
    return absl::NotFoundError(absl::StrCat("setting ", path, ": absent or no scalar"));
  } catch (const YAML::Exception& error) {
    return absl::InvalidArgumentError(error.what());
  }
}

}  // namespace penstock::harness
