// In what a server differs from the protocol it speaks. QUIRKS.md tells who needs which, and why.
#pragma once

#include <string>

#include <google/protobuf/repeated_ptr_field.h>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "absl/types/span.h"

namespace penstock::provider_adapter {

// What is set changes the requests; answers are read tolerantly without being told.
struct Quirks {
  // Of openai.
  bool api_key_header = false;
  bool max_tokens = false;
  bool no_forced_tool_choice = false;
  bool no_null_content = false;
  bool no_obfuscation_option = false;
  bool no_parallel_tool_calls = false;
  bool no_stream_options = false;
  bool no_tool_choice = false;
  bool reasoning_content_back = false;
  bool system_as_developer = false;
  bool system_in_user = false;
  bool text_content = false;
  bool tool_call_ids_of_nine = false;
  // Of anthropic.
  bool bearer_key = false;
};

struct Quirk {
  absl::string_view name;
  // Provider.protocol.
  absl::string_view protocol;
  bool Quirks::* set;
};

// All there are, by protocol and name.
absl::Span<const Quirk> AllQuirks();

// `names` as the configuration gives them at `path`. INVALID_ARGUMENT for one that `protocol` does
// not have, with those that it has.
absl::StatusOr<Quirks> ReadQuirks(absl::string_view protocol,
                                  const google::protobuf::RepeatedPtrField<std::string>& names,
                                  absl::string_view path);

}  // namespace penstock::provider_adapter
