// The frame around every stored value.
//
//   byte 0      format: 0 = clear. Others are reserved for encrypted payloads, where the id of the
//               user's data key (dek_id) and a nonce follow; this build refuses them.
//   byte 1      version of the record, counted per kind of record from 1
//   bytes 2…    payload, a serialized protobuf message
//
// Fields of a message are added without a new version; the version rises when old code would
// misunderstand a record. Binary N reads the versions N-1 to N+1 that its store declares.
#pragma once

#include <cstdint>
#include <string>

#include <google/protobuf/message_lite.h>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"

namespace penstock::rocks {

// Versions of one kind of record.
struct RecordVersions {
  uint8_t oldest_read = 1;
  uint8_t newest_read = 1;
};

std::string Frame(uint8_t version, const google::protobuf::MessageLite& message);

// The payload, which points into `stored`. kDataLoss when it is too short or not a frame,
// kFailedPrecondition when a newer version wrote it.
absl::StatusOr<absl::string_view> Unframe(absl::string_view stored, RecordVersions versions);

// Unframes and parses into `message`; kDataLoss also when it does not parse.
absl::Status ParseFramed(absl::string_view stored, RecordVersions versions,
                         google::protobuf::MessageLite& message);

}  // namespace penstock::rocks
