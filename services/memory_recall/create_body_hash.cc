#include "services/memory_recall/create_body_hash.h"

#include <google/protobuf/io/coded_stream.h>
#include <google/protobuf/io/zero_copy_stream_impl_lite.h>

#include "libs/identity/sha256.h"

namespace penstock::memory_recall {
namespace {

// Maps in the order of their keys.
std::string SerializedInOrder(const chat::v1::Memory& memory) {
  std::string bytes;
  {
    google::protobuf::io::StringOutputStream stream(&bytes);
    google::protobuf::io::CodedOutputStream coded(&stream);
    coded.SetSerializationDeterministic(true);
    memory.SerializeWithCachedSizes(&coded);
  }
  return bytes;
}

}  // namespace

std::string CreateBodyHash(const chat::v1::Memory& memory) {
  chat::v1::Memory body;
  body.set_text(memory.text());
  *body.mutable_labels() = memory.labels();
  if (memory.has_expire_time()) *body.mutable_expire_time() = memory.expire_time();
  body.ByteSizeLong();  // SerializeWithCachedSizes needs it
  identity::Sha256 hash;
  hash.Update(SerializedInOrder(body));
  const auto digest = hash.Finish();
  return {reinterpret_cast<const char*>(digest.data()), digest.size()};
}

}  // namespace penstock::memory_recall
