// Compares an answer with what a row expects.
#pragma once

#include <string>
#include <vector>

#include "tests/contract/refusal_table.h"

#include "absl/status/status.h"

namespace penstock::contract {

// Largest status with all its details, in bytes: it travels as metadata, of which many peers take 8
// KiB.
inline constexpr size_t kMaxStatusBytes = 4096;

// One sentence for each difference in code, ErrorInfo (reason, domain, metadata), RetryInfo,
// BadRequest and size. Empty: it is as expected.
std::vector<std::string> Differences(const RefusalTable& table, const Row& row,
                                     const absl::Status& found);

}  // namespace penstock::contract
