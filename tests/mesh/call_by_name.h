// Calls any RPC by its name, with bytes.
#pragma once

#include <map>
#include <memory>
#include <string>
#include <vector>

#include <google/protobuf/descriptor.h>
#include <grpcpp/channel.h>
#include <grpcpp/support/status.h>

namespace penstock::mesh {

struct RawAnswer {
  grpc::Status status;
  // Serialized responses.
  std::vector<std::string> responses = {};
};

// Sends one request and reads all responses, at most 10 s.
RawAnswer CallByName(const std::shared_ptr<grpc::Channel>& channel,
                     const google::protobuf::MethodDescriptor& method, const std::string& request,
                     const std::multimap<std::string, std::string>& metadata);

}  // namespace penstock::mesh
