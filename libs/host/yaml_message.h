// From YAML to any protobuf message whose fields describe themselves with the option
// penstock.config.v1.setting.
#pragma once

#include <google/protobuf/message.h>

#include "absl/status/status.h"
#include "absl/strings/string_view.h"

namespace penstock::host {

// Fills `message`, which must be empty, from one YAML document; an empty document is an empty map.
//
// - Keys are field names. An unknown key, a key that stands twice, a value of the wrong type or out
//   of range, and the absence of a required one are refused.
// - A key that is absent, or whose value is empty or `null`, takes its default. An absent message
// is
//   filled with its defaults when it declares any, else it stays absent. An optional field without
//   a default stays absent.
// - In a secret, "${NAME}" as the whole value stands for the environment variable NAME, which must
//   be set and not empty. Secrets never appear in an error.
//
// INVALID_ARGUMENT, naming the first thing wrong:
//   deploy/x.yaml: turn.disconect_grace (line 12): unknown key; did you mean disconnect_grace?
absl::Status ReadYaml(absl::string_view yaml, absl::string_view source_name,
                      google::protobuf::Message& message);

}  // namespace penstock::host
