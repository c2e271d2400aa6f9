// What the model thinks, signed, so that it can be checked when it comes back.
#pragma once

#include <cstdint>
#include <string>

#include "absl/strings/string_view.h"

namespace penstock::providersim::anthropic {

// The signature of a thought of the answer to the prompt of this hash: 32 hex digits.
std::string SignatureOf(uint64_t prompt_hash, absl::string_view thought);
// Made so, of this thought.
bool IsSigned(absl::string_view signature, absl::string_view thought);

// The `data` of a redacted_thinking block; and whether some data is one.
std::string RedactedOf(uint64_t prompt_hash);
bool IsRedacted(absl::string_view data);

// The id of a call: "toolu_", t when a thought stands before it, else n, the prompt's hash, a
// number.
std::string CallIdOf(uint64_t prompt_hash, bool thought, int call);
// The first 16 digits of the signature that stands before a call of this id; empty: none does, or
// it was not made here.
absl::string_view ThoughtBefore(absl::string_view call_id);

}  // namespace penstock::providersim::anthropic
