#include "services/dispatcher/admission/request_digest.h"

#include <algorithm>

#include <google/protobuf/io/coded_stream.h>
#include <google/protobuf/io/zero_copy_stream_impl_lite.h>

#include "libs/identity/sha256.h"

namespace penstock::dispatcher {
namespace {

constexpr char kVersion = 1;

std::string Serialized(const google::protobuf::Message& message) {
  std::string bytes;
  {
    google::protobuf::io::StringOutputStream out(&bytes);
    google::protobuf::io::CodedOutputStream coded(&out);
    coded.SetSerializationDeterministic(true);
    message.SerializeToCodedStream(&coded);
  }
  return bytes;
}

std::string BigEndian32(size_t size) {
  return {static_cast<char>(size >> 24), static_cast<char>(size >> 16),
          static_cast<char>(size >> 8), static_cast<char>(size)};
}

std::string Versioned(identity::Sha256& hash) {
  const identity::Sha256::Digest digest = hash.Finish();
  std::string result(1, kVersion);
  result.append(reinterpret_cast<const char*>(digest.data()), digest.size());
  return result;
}

}  // namespace

std::string RequestDigest(absl::string_view session_id, const chat::v1::TurnSpec& spec) {
  chat::v1::TurnSpec known = spec;
  known.DiscardUnknownFields();
  identity::Sha256 hash;
  hash.Update(BigEndian32(session_id.size()));
  hash.Update(session_id);
  hash.Update(Serialized(known));
  return Versioned(hash);
}

std::string ToolResultsDigest(absl::string_view turn_name, const Steps::Results& results) {
  Steps::Results sorted = results;
  std::sort(sorted.begin(), sorted.end(),
            [](const auto& a, const auto& b) { return a.tool_call_id() < b.tool_call_id(); });
  identity::Sha256 hash;
  hash.Update("tool results");
  hash.Update(BigEndian32(turn_name.size()));
  hash.Update(turn_name);
  for (chat::v1::ToolResult& result : sorted) {
    result.DiscardUnknownFields();
    const std::string bytes = Serialized(result);
    hash.Update(BigEndian32(bytes.size()));
    hash.Update(bytes);
  }
  return Versioned(hash);
}

}  // namespace penstock::dispatcher
