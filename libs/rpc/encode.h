// Messages as the bytes that gRPC's raw methods carry.
#pragma once

#include <grpcpp/impl/codegen/proto_utils.h>
#include <grpcpp/support/byte_buffer.h>

#include "absl/status/status.h"
#include "absl/strings/str_cat.h"

namespace penstock::rpc {

// INTERNAL when it cannot be encoded: it is larger than a message can be.
template <class Message>
absl::Status Encode(const Message& message, grpc::ByteBuffer& bytes) {
  bool own = false;
  if (grpc::SerializationTraits<Message>::Serialize(message, &bytes, &own).ok()) {
    return absl::OkStatus();
  }
  return absl::InternalError(absl::StrCat("cannot encode ", message.GetTypeName()));
}

}  // namespace penstock::rpc
