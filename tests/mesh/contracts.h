// Every proto of the project, as data: what tests over all RPCs and messages go through.
#pragma once

#include <string>
#include <vector>

#include <google/protobuf/descriptor.h>

#include "absl/strings/string_view.h"

namespace penstock::mesh {

// All files, also those that no program links. Lives as long as the process.
const google::protobuf::DescriptorPool& Contracts();

// Messages of a package ("penstock.session.v1"), nested ones too; not the entries of maps.
std::vector<const google::protobuf::Descriptor*> MessagesOf(absl::string_view package);

// All services of all packages below "penstock".
std::vector<const google::protobuf::ServiceDescriptor*> AllServices();

// Full names of the RPCs of a package: "penstock.gateway.v1.Turns.GetTurn".
std::vector<std::string> RpcsOf(absl::string_view package);

}  // namespace penstock::mesh
