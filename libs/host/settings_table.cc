#include "libs/host/settings_table.h"

#include <fstream>

#include <google/protobuf/descriptor.h>

#include "libs/base/status_macros.h"
#include "libs/host/notation.h"
#include "penstock/config/v1/config.pb.h"
#include "penstock/config/v1/setting.pb.h"

#include "absl/strings/ascii.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_replace.h"

namespace penstock::host {
namespace {

using google::protobuf::Descriptor;
using google::protobuf::FieldDescriptor;

constexpr absl::string_view kIntroduction =
    R"(<!-- Made from protos/penstock/config/v1/config.proto by the target settings_md. -->
# Settings

One YAML file for every process; each reads the sections it needs. Keys are nested as the dots say,
`x[]` is a list. Durations are written `150ms`, `5s`, `10m`, `24h`, `1h30m`; sizes are bytes or
`256KiB`, `1MiB`, `64MB`. An unknown key, a wrong type and a value out of range stop the start. A
setting marked *secret* may be `${NAME}`: the value of that environment variable.
)";

constexpr absl::string_view kHead =
    "\n| Setting | Type | Default | Range | Meaning |\n|---|---|---|---|---|\n";

// A comment as one line of a table.
template <class Element>
std::string MeaningOf(const Element& element) {
  google::protobuf::SourceLocation location;
  if (!element.GetSourceLocation(&location)) return "";
  std::string text = location.leading_comments;
  absl::RemoveExtraAsciiWhitespace(&text);
  return absl::StrReplaceAll(text, {{"|", "\\|"}});
}

absl::string_view TypeOf(const FieldDescriptor& field) {
  switch (NotationOf(field)) {
    case Notation::kText:
      return "text";
    case Notation::kBool:
      return "bool";
    case Notation::kInteger:
      return "integer";
    case Notation::kSize:
      return "size";
    case Notation::kNumber:
      return "number";
    case Notation::kDuration:
      return "duration";
    case Notation::kEnum:
      return "name";
    case Notation::kSection:
      return "map";
  }
  return "";
}

void AppendRow(const std::string& path, const FieldDescriptor& field, std::string& table) {
  const auto& setting = field.options().GetExtension(config::v1::setting);
  std::string value;
  if (setting.required()) {
    value = "required";
  } else if (!setting.default_().empty()) {
    value = absl::StrCat("`", setting.default_(), "`");
  }
  absl::StrAppend(&table, "| `", path, "` | ", TypeOf(field), setting.secret() ? ", secret" : "",
                  " | ", value, " | ", DescribeRange(field), " | ", MeaningOf(field), " |\n");
}

void AppendRows(const std::string& path, const Descriptor& type, std::string& table);

void AppendField(const std::string& path, const FieldDescriptor& field, std::string& table) {
  const bool section = NotationOf(field) == Notation::kSection;
  const bool empty = section && field.message_type()->field_count() == 0;
  if (!section || empty || !MeaningOf(field).empty()) AppendRow(path, field, table);
  if (section) AppendRows(path, *field.message_type(), table);
}

void AppendRows(const std::string& path, const Descriptor& type, std::string& table) {
  for (int i = 0; i < type.field_count(); ++i) {
    const FieldDescriptor& field = *type.field(i);
    AppendField(absl::StrCat(path, ".", field.name(), field.is_repeated() ? "[]" : ""), field,
                table);
  }
}

void AppendSection(const FieldDescriptor& section, std::string& text) {
  const std::string path = absl::StrCat(section.name(), section.is_repeated() ? "[]" : "");
  absl::StrAppend(&text, "\n## `", path, "`\n");
  const std::string meaning = MeaningOf(*section.message_type());
  if (!meaning.empty()) absl::StrAppend(&text, "\n", meaning, "\n");
  absl::StrAppend(&text, kHead);
  AppendRows(path, *section.message_type(), text);
}

}  // namespace

absl::StatusOr<std::string> SettingsTable(const google::protobuf::FileDescriptorSet& files) {
  google::protobuf::DescriptorPool pool;
  for (const auto& file : files.file()) {
    if (pool.BuildFile(file) != nullptr) continue;
    return absl::InvalidArgumentError(absl::StrCat(file.name(), ": cannot be built"));
  }
  const Descriptor* const config =
      pool.FindMessageTypeByName(config::v1::Config::descriptor()->full_name());
  if (config == nullptr) return absl::InvalidArgumentError("the configuration is not in the set");

  std::string text = absl::StrCat(kIntroduction, kHead);
  for (int i = 0; i < config->field_count(); ++i) {
    const FieldDescriptor& field = *config->field(i);
    if (NotationOf(field) != Notation::kSection) AppendRow(field.name(), field, text);
  }
  for (int i = 0; i < config->field_count(); ++i) {
    const FieldDescriptor& field = *config->field(i);
    if (NotationOf(field) == Notation::kSection) AppendSection(field, text);
  }
  return text;
}

absl::StatusOr<std::string> SettingsTableFromFile(const std::string& path) {
  std::ifstream file(path, std::ios::binary);
  if (!file) return absl::NotFoundError(absl::StrCat(path, ": cannot be opened"));
  google::protobuf::FileDescriptorSet files;
  if (!files.ParseFromIstream(&file)) {
    return absl::InvalidArgumentError(absl::StrCat(path, ": is no descriptor set"));
  }
  return SettingsTable(files);
}

}  // namespace penstock::host
