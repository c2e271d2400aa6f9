// The fields that a public request has, as its contract says.
#pragma once

#include <string>
#include <vector>

#include <google/protobuf/descriptor.h>

namespace penstock::contract {

// "Turns.GetTurn", of all services that the gateway serves.
std::vector<std::string> PublicRpcs();

// Its request; null when there is no such RPC.
const google::protobuf::Descriptor* RequestOf(const std::string& rpc);

struct RequestField {
  // "turn.input.text.text".
  std::string path;
  const google::protobuf::FieldDescriptor* type;
};

// Every field in which something can stand: those of messages below, but messages of
// google.protobuf, maps, and messages without fields count as one.
std::vector<RequestField> FieldsOf(const google::protobuf::Descriptor& request);

// Whether `path` leads to a field, of whatever kind.
bool HasField(const google::protobuf::Descriptor& request, const std::string& path);

}  // namespace penstock::contract
