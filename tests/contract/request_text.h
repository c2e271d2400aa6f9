// Requests out of the texts of a row.
#pragma once

#include <map>
#include <string>

#include "tests/contract/refusal_table.h"

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"

namespace penstock::contract {

// What "$turn" stands for, by "turn".
using Names = std::map<std::string, std::string>;

// "[[3:k#]]" is "k0k1k2": repeated, with # counted from 0. May be nested; the inner one is unfolded
// first. INVALID_ARGUMENT for one without a count or an end.
absl::StatusOr<std::string> Unfold(absl::string_view text);

// The encoding of `message` ("penstock.gateway.v1.GetTurnRequest", which the program links), of the
// `good` text as `row` changes it. It may be no valid encoding: that is what some rows are about.
absl::StatusOr<std::string> BuildRequest(const std::string& message, const std::string& good,
                                         const Row& row, const Names& names);

}  // namespace penstock::contract
