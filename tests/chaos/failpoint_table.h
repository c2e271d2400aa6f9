// The rows of FAILPOINTS.md.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "tests/harness/history.h"

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"

namespace penstock::chaos {

struct FailpointRow {
  std::string name;
  std::vector<std::string> processes;
  std::optional<harness::Stage> stage;
};

// Of the text of the page. INVALID_ARGUMENT names a row that is not like the others.
absl::StatusOr<std::vector<FailpointRow>> ParseFailpointTable(absl::string_view page);

// Of the page in the source tree.
absl::StatusOr<std::vector<FailpointRow>> ReadFailpointTable();

}  // namespace penstock::chaos
