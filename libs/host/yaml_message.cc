#include "libs/host/yaml_message.h"

#include <cstdlib>
#include <set>
#include <sstream>
#include <string>
#include <vector>

#include <google/protobuf/descriptor.h>
#include <yaml-cpp/eventhandler.h>
#include <yaml-cpp/yaml.h>

#include "libs/base/status_macros.h"
#include "libs/host/did_you_mean.h"
#include "libs/host/notation.h"
#include "libs/host/setting_value.h"
#include "penstock/config/v1/setting.pb.h"

#include "absl/status/statusor.h"
#include "absl/strings/escaping.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/strip.h"

namespace penstock::host {
namespace {

using google::protobuf::Descriptor;
using google::protobuf::FieldDescriptor;
using google::protobuf::Message;

const config::v1::Setting& SettingOf(const FieldDescriptor& field) {
  return field.options().GetExtension(config::v1::setting);
}

// A message with a default somewhere in it is, unless something in it must be given.
bool IsAlwaysThere(const Descriptor& type) {
  bool has_default = false;
  for (int i = 0; i < type.field_count(); ++i) {
    const FieldDescriptor& field = *type.field(i);
    if (SettingOf(field).required()) return false;
    has_default = has_default || !SettingOf(field).default_().empty() ||
                  (!field.is_repeated() && NotationOf(field) == Notation::kSection &&
                   IsAlwaysThere(*field.message_type()));
  }
  return has_default;
}

std::string Join(absl::string_view path, absl::string_view key) {
  return path.empty() ? std::string(key) : absl::StrCat(path, ".", key);
}

std::vector<std::string> NamesOf(const Descriptor& type) {
  std::vector<std::string> names;
  for (int i = 0; i < type.field_count(); ++i) names.push_back(type.field(i)->name());
  return names;
}

absl::string_view KindOf(const YAML::Node& node) {
  if (node.IsMap()) return "a map";
  if (node.IsSequence()) return "a list";
  return node.IsScalar() ? "a single value" : "nothing";
}

// The value of a secret: itself, or that of the environment variable it names.
absl::StatusOr<std::string> ResolveSecret(const std::string& text) {
  absl::string_view name = text;
  if (!absl::ConsumePrefix(&name, "${") || !absl::ConsumeSuffix(&name, "}")) return text;
  const char* const value = std::getenv(std::string(name).c_str());
  if (value == nullptr || *value == '\0') {
    return absl::InvalidArgumentError(
        absl::StrCat("the environment variable ", absl::CEscape(name), " is not set or empty"));
  }
  return std::string(value);
}

class Reader {
 public:
  explicit Reader(absl::string_view source_name) : source_name_(source_name) {}

  absl::Status ReadMap(const YAML::Node& node, const std::string& path, Message& message) const {
    if (!node.IsMap()) return Error(node, path, WrongKind(node, "a map"));
    const Descriptor& type = *message.GetDescriptor();
    std::set<std::string> keys;
    std::set<const FieldDescriptor*> present;
    for (const auto& entry : node) {
      const YAML::Node& key = entry.first;
      const YAML::Node& value = entry.second;
      if (!key.IsScalar())
        return Error(key, path, absl::StrCat("found ", KindOf(key), " as a key"));
      const std::string& name = key.Scalar();
      const std::string key_path = Join(path, absl::CEscape(name));
      const FieldDescriptor* const field = type.FindFieldByName(name);
      if (field == nullptr) {
        return Error(key, key_path, absl::StrCat("unknown key", DidYouMean(name, NamesOf(type))));
      }
      if (!keys.insert(name).second) return Error(key, key_path, "this key stands twice");
      if (value.IsNull()) continue;
      present.insert(field);
      PENSTOCK_RETURN_IF_ERROR(CheckChoice(key, key_path, *field, message));
      PENSTOCK_RETURN_IF_ERROR(ReadField(value, key_path, *field, message));
    }
    return FillAbsent(node, path, present, message);
  }

 private:
  absl::Status Error(const YAML::Node& at, absl::string_view path, absl::string_view what) const {
    const YAML::Mark mark = at.Mark();
    const std::string line = mark.is_null() ? "" : absl::StrCat("(line ", mark.line + 1, ")");
    return absl::InvalidArgumentError(absl::StrCat(source_name_, ": ", path,
                                                   path.empty() || line.empty() ? "" : " ", line,
                                                   path.empty() && line.empty() ? "" : ": ", what));
  }

  static std::string WrongKind(const YAML::Node& found, absl::string_view allowed) {
    return absl::StrCat("found ", KindOf(found), ", allowed ", allowed);
  }

  // Of the fields of a oneof, only one may be written.
  absl::Status CheckChoice(const YAML::Node& key, const std::string& path,
                           const FieldDescriptor& field, const Message& message) const {
    if (field.real_containing_oneof() == nullptr) return absl::OkStatus();
    const FieldDescriptor* const other =
        message.GetReflection()->GetOneofFieldDescriptor(message, field.real_containing_oneof());
    if (other == nullptr) return absl::OkStatus();
    return Error(key, path, absl::StrCat("excludes ", other->name(), ", which is set too"));
  }

  absl::Status ReadField(const YAML::Node& node, const std::string& path,
                         const FieldDescriptor& field, Message& message) const {
    if (field.is_map()) return ReadEntries(node, path, field, message);
    if (!field.is_repeated()) return ReadOne(node, path, field, message);
    if (!node.IsSequence()) return Error(node, path, WrongKind(node, "a list"));
    int index = 0;
    for (const YAML::Node& element : node) {
      const std::string element_path = absl::StrCat(path, "[", index++, "]");
      PENSTOCK_RETURN_IF_ERROR(ReadOne(element, element_path, field, message));
    }
    return absl::OkStatus();
  }

  // A map<key, value> field: each entry is a message of two fields.
  absl::Status ReadEntries(const YAML::Node& node, const std::string& path,
                           const FieldDescriptor& field, Message& message) const {
    if (!node.IsMap()) return Error(node, path, WrongKind(node, "a map"));
    std::set<std::string> keys;
    for (const auto& pair : node) {
      const YAML::Node& key = pair.first;
      const YAML::Node& value = pair.second;
      if (!key.IsScalar())
        return Error(key, path, absl::StrCat("found ", KindOf(key), " as a key"));
      const std::string entry_path = absl::StrCat(path, "[", absl::CEscape(key.Scalar()), "]");
      if (!keys.insert(key.Scalar()).second) return Error(key, entry_path, "this key stands twice");
      Message& entry = *message.GetReflection()->AddMessage(&message, &field);
      const Descriptor& type = *field.message_type();
      PENSTOCK_RETURN_IF_ERROR(ReadOne(key, entry_path, *type.map_key(), entry));
      PENSTOCK_RETURN_IF_ERROR(ReadOne(value, entry_path, *type.map_value(), entry));
    }
    return absl::OkStatus();
  }

  // A singular field, or one more element of a repeated one.
  absl::Status ReadOne(const YAML::Node& node, const std::string& path,
                       const FieldDescriptor& field, Message& message) const {
    if (NotationOf(field) == Notation::kSection) {
      const auto& reflection = *message.GetReflection();
      return ReadMap(node, path,
                     field.is_repeated() ? *reflection.AddMessage(&message, &field)
                                         : *reflection.MutableMessage(&message, &field));
    }
    if (!node.IsScalar()) return Error(node, path, WrongKind(node, DescribeNotation(field)));
    std::string text = node.Scalar();
    if (SettingOf(field).secret()) {
      absl::StatusOr<std::string> secret = ResolveSecret(text);
      if (!secret.ok()) return Error(node, path, secret.status().message());
      text = *std::move(secret);
    }
    if (text.empty() && SettingOf(field).required()) {
      return Error(node, path, "required, found empty text");
    }
    const absl::Status set = SetValue(field, text, message);
    return set.ok() ? set : Error(node, path, set.message());
  }

  // Defaults of the fields that `node`, at `path`, does not have.
  absl::Status FillAbsent(const YAML::Node& node, const std::string& path,
                          const std::set<const FieldDescriptor*>& present, Message& message) const {
    const Descriptor& type = *message.GetDescriptor();
    for (int i = 0; i < type.field_count(); ++i) {
      const FieldDescriptor& field = *type.field(i);
      if (present.contains(&field)) continue;
      PENSTOCK_RETURN_IF_ERROR(FillOne(node, Join(path, field.name()), field, message));
    }
    return absl::OkStatus();
  }

  absl::Status FillOne(const YAML::Node& node, const std::string& path,
                       const FieldDescriptor& field, Message& message) const {
    if (SettingOf(field).required()) return Error(node, path, "required, and absent");
    if (field.is_repeated() || field.real_containing_oneof() != nullptr) return absl::OkStatus();
    if (NotationOf(field) == Notation::kSection) {
      if (!IsAlwaysThere(*field.message_type())) return absl::OkStatus();
      return FillAbsent(node, path, {}, *message.GetReflection()->MutableMessage(&message, &field));
    }
    const std::string& text = SettingOf(field).default_();
    if (text.empty()) return absl::OkStatus();
    const absl::Status set = SetValue(field, text, message);
    return set.ok() ? set : Error(node, path, absl::StrCat("default: ", set.message()));
  }

  absl::string_view source_name_;
};

// Where the newest document begins.
class DocumentStart final : public YAML::EventHandler {
 public:
  const YAML::Mark& mark() const { return mark_; }

  void OnDocumentStart(const YAML::Mark& mark) override { mark_ = mark; }
  void OnDocumentEnd() override {}
  void OnNull(const YAML::Mark&, YAML::anchor_t) override {}
  void OnAlias(const YAML::Mark&, YAML::anchor_t) override {}
  void OnScalar(const YAML::Mark&, const std::string&, YAML::anchor_t,
                const std::string&) override {}
  void OnSequenceStart(const YAML::Mark&, const std::string&, YAML::anchor_t,
                       YAML::EmitterStyle::value) override {}
  void OnSequenceEnd() override {}
  void OnMapStart(const YAML::Mark&, const std::string&, YAML::anchor_t,
                  YAML::EmitterStyle::value) override {}
  void OnMapEnd() override {}

 private:
  YAML::Mark mark_;
};

// YAML::LoadAll would never end where a comma stands outside of a flow: its parser takes that for
// the beginning of a document, again and again (yaml-cpp 0.7).
absl::Status CheckOneDocument(const std::string& yaml, absl::string_view source_name) {
  std::istringstream text(yaml);
  YAML::Parser parser(text);
  DocumentStart start;
  if (!parser.HandleNextDocument(start) || !parser.HandleNextDocument(start)) {
    return absl::OkStatus();
  }
  return absl::InvalidArgumentError(
      absl::StrCat(source_name, ": found a second YAML document at line ", start.mark().line + 1,
                   ", column ", start.mark().column + 1, ", allowed one"));
}

}  // namespace

absl::Status ReadYaml(absl::string_view yaml, absl::string_view source_name, Message& message) {
  try {
    const std::string text(yaml);
    PENSTOCK_RETURN_IF_ERROR(CheckOneDocument(text, source_name));
    const YAML::Node document = YAML::Load(text);
    return Reader(source_name)
        .ReadMap(document.IsNull() ? YAML::Node(YAML::NodeType::Map) : document, "", message);
  } catch (const YAML::Exception& error) {
    return absl::InvalidArgumentError(absl::StrCat(source_name, ": no valid YAML: line ",
                                                   error.mark.line + 1, ", column ",
                                                   error.mark.column + 1, ": ", error.msg));
  }
}

}  // namespace penstock::host
