#include "tests/mesh/call_by_name.h"

#include <chrono>

#include <grpcpp/client_context.h>
#include <grpcpp/completion_queue.h>
#include <grpcpp/generic/generic_stub.h>
#include <grpcpp/support/byte_buffer.h>
#include <grpcpp/support/slice.h>

#include "absl/strings/str_cat.h"

namespace penstock::mesh {
namespace {

// Waits for the one operation that is under way.
bool Next(grpc::CompletionQueue& queue) {
  void* tag = nullptr;
  bool ok = false;
  return queue.Next(&tag, &ok) && ok;
}

std::string BytesOf(const grpc::ByteBuffer& buffer) {
  std::vector<grpc::Slice> slices;
  if (!buffer.Dump(&slices).ok()) return "";
  std::string bytes;
  for (const grpc::Slice& slice : slices) {
    bytes.append(reinterpret_cast<const char*>(slice.begin()), slice.size());
  }
  return bytes;
}

}  // namespace

RawAnswer CallByName(const std::shared_ptr<grpc::Channel>& channel,
                     const google::protobuf::MethodDescriptor& method, const std::string& request,
                     const std::multimap<std::string, std::string>& metadata) {
  grpc::ClientContext context;
  context.set_deadline(std::chrono::system_clock::now() + std::chrono::seconds(10));
  for (const auto& [key, value] : metadata) context.AddMetadata(key, value);
  grpc::CompletionQueue queue;
  grpc::GenericStub stub(channel);
  const auto call = stub.PrepareCall(
      &context, absl::StrCat("/", method.service()->full_name(), "/", method.name()), &queue);
  const grpc::Slice slice(request);
  const grpc::ByteBuffer bytes(&slice, 1);
  RawAnswer answer;
  call->StartCall(&queue);
  Next(queue);
  // A call that was refused at once cannot be written to any more; its status says why.
  call->WriteLast(bytes, grpc::WriteOptions(), &queue);
  Next(queue);
  grpc::ByteBuffer response;
  for (call->Read(&response, &queue); Next(queue); call->Read(&response, &queue)) {
    answer.responses.push_back(BytesOf(response));
  }
  call->Finish(&answer.status, &queue);
  Next(queue);
  return answer;
}

}  // namespace penstock::mesh
