#include "libs/rocksdb/frame.h"

#include "libs/base/status_macros.h"

#include "absl/strings/str_cat.h"

namespace penstock::rocks {
namespace {

constexpr uint8_t kClear = 0;
constexpr size_t kHeaderBytes = 2;

}  // namespace

std::string Frame(uint8_t version, const google::protobuf::MessageLite& message) {
  std::string stored;
  stored.reserve(kHeaderBytes + message.ByteSizeLong());
  stored.push_back(static_cast<char>(kClear));
  stored.push_back(static_cast<char>(version));
  message.AppendToString(&stored);
  return stored;
}

absl::StatusOr<absl::string_view> Unframe(absl::string_view stored, RecordVersions versions) {
  if (stored.size() < kHeaderBytes) {
    return absl::DataLossError(absl::StrCat("a stored value has ", stored.size(),
                                            " bytes, expected at least ", kHeaderBytes));
  }
  const auto format = static_cast<uint8_t>(stored[0]);
  if (format != kClear) {
    return absl::FailedPreconditionError(absl::StrCat(
        "a stored value has format ", format, ", this version reads only format 0 (clear)"));
  }
  const auto version = static_cast<uint8_t>(stored[1]);
  if (version < versions.oldest_read || version > versions.newest_read) {
    return absl::FailedPreconditionError(absl::StrCat("a record has version ", version,
                                                      ", this version reads ", versions.oldest_read,
                                                      " to ", versions.newest_read));
  }
  return stored.substr(kHeaderBytes);
}

absl::Status ParseFramed(absl::string_view stored, RecordVersions versions,
                         google::protobuf::MessageLite& message) {
  PENSTOCK_ASSIGN_OR_RETURN(const absl::string_view payload, Unframe(stored, versions));
  if (message.ParseFromArray(payload.data(), static_cast<int>(payload.size()))) {
    return absl::OkStatus();
  }
  return absl::DataLossError(absl::StrCat("a stored ", message.GetTypeName(),
                                          " does not parse: ", payload.size(), " bytes"));
}

}  // namespace penstock::rocks
