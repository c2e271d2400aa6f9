// The refusals about memories that both the core and its stores answer.
#pragma once

#include <cstdint>

#include "absl/status/status.h"
#include "absl/strings/string_view.h"

namespace penstock::memory_recall {

// NOT_FOUND. The same for a memory that is absent, deleted, expired or somebody else's.
absl::Status MemoryNotFound(absl::string_view name);

// RESOURCE_EXHAUSTED: callers made as many memories as a user may have.
absl::Status MemoryLimit(int64_t max_memories);

// INVALID_ARGUMENT: the request_id came before, with another body.
absl::Status RequestIdReused(absl::string_view request_id);

}  // namespace penstock::memory_recall
