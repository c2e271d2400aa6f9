#include "tests/contract/request_fields.h"

#include "tests/mesh/contracts.h"

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "absl/strings/strip.h"

namespace penstock::contract {
namespace {

using google::protobuf::Descriptor;
using google::protobuf::FieldDescriptor;

constexpr absl::string_view kGateway = "penstock.gateway.v1.";
constexpr absl::string_view kDispatcher = "penstock.dispatcher.v1.";

bool CountsAsOne(const FieldDescriptor& field) {
  return field.cpp_type() != FieldDescriptor::CPPTYPE_MESSAGE || field.is_map() ||
         absl::StartsWith(field.message_type()->full_name(), "google.protobuf.") ||
         field.message_type()->field_count() == 0;
}

void AddFields(const Descriptor& message, const std::string& path,
               std::vector<RequestField>& fields) {
  for (int i = 0; i < message.field_count(); ++i) {
    const FieldDescriptor& field = *message.field(i);
    const std::string here = absl::StrCat(path, path.empty() ? "" : ".", field.name());
    if (CountsAsOne(field)) {
      fields.push_back({here, &field});
    } else {
      AddFields(*field.message_type(), here, fields);
    }
  }
}

}  // namespace

std::vector<std::string> PublicRpcs() {
  std::vector<std::string> rpcs;
  for (const std::string& rpc : mesh::RpcsOf("penstock.gateway.v1")) {
    rpcs.emplace_back(absl::StripPrefix(rpc, kGateway));
  }
  for (const std::string& rpc : mesh::RpcsOf("penstock.dispatcher.v1")) {
    const absl::string_view name = absl::StripPrefix(rpc, kDispatcher);
    if (absl::StartsWith(name, "Operations.")) rpcs.emplace_back(name);
  }
  return rpcs;
}

const Descriptor* RequestOf(const std::string& rpc) {
  const absl::string_view package = absl::StartsWith(rpc, "Operations.") ? kDispatcher : kGateway;
  const auto* method = mesh::Contracts().FindMethodByName(absl::StrCat(package, rpc));
  return method == nullptr ? nullptr : method->input_type();
}

std::vector<RequestField> FieldsOf(const Descriptor& request) {
  std::vector<RequestField> fields;
  AddFields(request, "", fields);
  return fields;
}

bool HasField(const Descriptor& request, const std::string& path) {
  const Descriptor* message = &request;
  for (const std::string& step : std::vector<std::string>(absl::StrSplit(path, '.'))) {
    const FieldDescriptor* field = message == nullptr ? nullptr : message->FindFieldByName(step);
    if (field == nullptr) return false;
    message = field->message_type();
  }
  return true;
}

}  // namespace penstock::contract
