#include "tests/chaos/failpoint_table.h"

#include <algorithm>
#include <fstream>
#include <iterator>

#include "libs/base/status_macros.h"
#include "tests/harness/stages.h"

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "absl/strings/strip.h"

namespace penstock::chaos {
namespace {

using harness::kAllStages;
using harness::Stage;

absl::StatusOr<std::optional<Stage>> StageNamed(absl::string_view name) {
  if (name.empty()) return std::nullopt;
  for (const Stage stage : kAllStages) {
    if (harness::NameOf(stage) == name) return stage;
  }
  return absl::InvalidArgumentError(absl::StrCat("no stage \"", name, "\""));
}

absl::StatusOr<FailpointRow> ParseRow(absl::string_view line) {
  std::vector<std::string> cells = absl::StrSplit(line, '|');
  if (cells.size() != 6) {
    return absl::InvalidArgumentError(absl::StrCat("not four columns: ", line));
  }
  for (std::string& cell : cells) absl::StripAsciiWhitespace(&cell);
  FailpointRow row;
  row.name = cells[1].substr(1, cells[1].size() - 2);
  row.processes = absl::StrSplit(cells[2], ", ");
  PENSTOCK_ASSIGN_OR_RETURN(row.stage, StageNamed(cells[3]));
  return row;
}

}  // namespace

absl::StatusOr<std::vector<FailpointRow>> ParseFailpointTable(absl::string_view page) {
  std::vector<FailpointRow> rows;
  for (const absl::string_view line : absl::StrSplit(page, '\n')) {
    if (!absl::StartsWith(line, "| `")) continue;
    PENSTOCK_ASSIGN_OR_RETURN(rows.emplace_back(), ParseRow(line));
  }
  return rows;
}

absl::StatusOr<std::vector<FailpointRow>> ReadFailpointTable() {
  std::ifstream file(PENSTOCK_FAILPOINTS_PAGE);
  const std::string page{std::istreambuf_iterator<char>(file), {}};
  if (page.empty()) return absl::NotFoundError(PENSTOCK_FAILPOINTS_PAGE);
  return ParseFailpointTable(page);
}

}  // namespace penstock::chaos
