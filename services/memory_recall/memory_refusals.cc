#include "services/memory_recall/memory_refusals.h"

#include "libs/base/refusal.h"

#include "absl/strings/str_cat.h"

namespace penstock::memory_recall {

absl::Status MemoryNotFound(absl::string_view name) {
  return Refusal(absl::StatusCode::kNotFound, "MEMORY_NOT_FOUND", absl::StrCat(name, ": not found"))
      .With("name", name);
}

absl::Status MemoryLimit(int64_t max_memories) {
  return Refusal(absl::StatusCode::kResourceExhausted, "MEMORY_LIMIT",
                 absl::StrCat("found ", max_memories, " created memories, allowed at most ",
                              max_memories, "; delete some first"))
      .With("limit", absl::StrCat(max_memories));
}

absl::Status RequestIdReused(absl::string_view request_id) {
  return Refusal(absl::StatusCode::kInvalidArgument, "REQUEST_ID_REUSED",
                 absl::StrCat("request_id ", request_id,
                              ": it came before with another body; use a new one"))
      .With("field", "request_id")
      .With("found", request_id)
      .With("allowed", "a new request_id, or the same body");
}

}  // namespace penstock::memory_recall
