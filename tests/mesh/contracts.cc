#include "tests/mesh/contracts.h"

#include <cstdlib>
#include <fstream>

#include <google/protobuf/descriptor.pb.h>

#include "absl/strings/match.h"

namespace penstock::mesh {
namespace {

using google::protobuf::Descriptor;
using google::protobuf::FileDescriptor;

google::protobuf::FileDescriptorSet ReadSet() {
  google::protobuf::FileDescriptorSet set;
  std::ifstream file(PENSTOCK_DESCRIPTORS, std::ios::binary);
  if (!file || !set.ParseFromIstream(&file)) std::abort();
  return set;
}

struct Files {
  Files() {
    const google::protobuf::FileDescriptorSet set = ReadSet();
    // protoc writes a file behind those that it imports.
    for (const auto& file : set.file()) {
      const FileDescriptor* built = pool.BuildFile(file);
      if (built == nullptr) std::abort();
      if (absl::StartsWith(built->package(), "penstock.")) ours.push_back(built);
    }
  }

  google::protobuf::DescriptorPool pool;
  std::vector<const FileDescriptor*> ours;
};

const Files& TheFiles() {
  static const auto* const files = new Files();
  return *files;
}

void AddWithNested(const Descriptor* message, std::vector<const Descriptor*>& messages) {
  if (message->options().map_entry()) return;
  messages.push_back(message);
  for (int i = 0; i < message->nested_type_count(); ++i) {
    AddWithNested(message->nested_type(i), messages);
  }
}

}  // namespace

const google::protobuf::DescriptorPool& Contracts() { return TheFiles().pool; }

std::vector<const Descriptor*> MessagesOf(absl::string_view package) {
  std::vector<const Descriptor*> messages;
  for (const FileDescriptor* file : TheFiles().ours) {
    if (file->package() != package) continue;
    for (int i = 0; i < file->message_type_count(); ++i) {
      AddWithNested(file->message_type(i), messages);
    }
  }
  return messages;
}

std::vector<const google::protobuf::ServiceDescriptor*> AllServices() {
  std::vector<const google::protobuf::ServiceDescriptor*> services;
  for (const FileDescriptor* file : TheFiles().ours) {
    for (int i = 0; i < file->service_count(); ++i) services.push_back(file->service(i));
  }
  return services;
}

std::vector<std::string> RpcsOf(absl::string_view package) {
  std::vector<std::string> rpcs;
  for (const auto* service : AllServices()) {
    if (service->file()->package() != package) continue;
    for (int i = 0; i < service->method_count(); ++i) {
      rpcs.push_back(service->method(i)->full_name());
    }
  }
  return rpcs;
}

}  // namespace penstock::mesh
