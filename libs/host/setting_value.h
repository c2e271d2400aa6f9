// Puts one value of the configuration into its field.
#pragma once

#include <google/protobuf/descriptor.h>
#include <google/protobuf/message.h>

#include "absl/status/status.h"
#include "absl/strings/string_view.h"

namespace penstock::host {

// Reads `text` in the field's notation, checks its range, and sets the field of `message`, or
// appends to it when it is repeated. Not for sections.
// INVALID_ARGUMENT `found "5 parsecs", allowed a duration such as ...`.
absl::Status SetValue(const google::protobuf::FieldDescriptor& field, absl::string_view text,
                      google::protobuf::Message& message);

}  // namespace penstock::host
