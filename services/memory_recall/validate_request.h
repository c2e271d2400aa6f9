// What a request must be. FIELD_INVALID names the field, what was found and what is allowed.
#pragma once

#include <cstdint>

#include "penstock/memory/v1/memory_recall.pb.h"

#include "absl/status/status.h"
#include "absl/time/time.h"

namespace penstock::memory_recall {

absl::Status Validate(const memory::v1::RecallRequest& request);
absl::Status Validate(const memory::v1::IngestRequest& request);
absl::Status Validate(const memory::v1::CreateMemoryRequest& request, int64_t max_memory_bytes,
                      absl::Time now);
absl::Status Validate(const memory::v1::ListMemoriesRequest& request);
absl::Status Validate(const memory::v1::SearchMemoriesRequest& request);

}  // namespace penstock::memory_recall
