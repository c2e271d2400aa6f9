#include "tests/contract/refusal_page.h"

#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "absl/strings/str_replace.h"

namespace penstock::contract {
namespace {

constexpr absl::string_view kTop = R"(# Refusals

What every public RPC answers to what is wrong with a request. Made from [`refusals.yaml`](refusals.yaml) by `cmake --build --preset dev --target
refusals_md`; `refusals_test` sends every row to a whole mesh, and fails while this page differs.

A refusal is a gRPC status with `google.rpc.ErrorInfo` (domain `penstock`, reason, metadata); `FIELD_INVALID` and `TOO_LARGE` have a `BadRequest` with the
field as well, and what may succeed later a `RetryInfo`. Nothing was stored, and nothing will run.

## Reasons

Those marked † are not in the design's table of the API.

| Reason | Code | Metadata | RetryInfo | Meaning |
|---|---|---|---|---|
)";

constexpr absl::string_view kTurnErrors = R"(
## What a turn ends with

`Turn.error` of a turn that was accepted, and FAILED or EXPIRED, has the same shape; its reason is a `chat.v1.ErrorKind`.

| Reason | Meaning |
|---|---|
)";

constexpr absl::string_view kRows = R"(
## By RPC and field

`OK` stands beside a value that is just within its limit, or where there is nothing to be wrong.
)";

std::string Code(absl::string_view text) { return absl::StrCat("`", text, "`"); }

std::string Cell(absl::string_view text) { return absl::StrReplaceAll(text, {{"|", "\\|"}}); }

std::string MetadataOf(const Reason& reason) {
  std::vector<std::string> keys;
  for (const std::string& key : reason.metadata) keys.push_back(key);
  for (const std::string& key : reason.may_have) keys.push_back(absl::StrCat("(", key, ")"));
  return absl::StrJoin(keys, ", ");
}

std::string ReasonLine(const Reason& reason) {
  return absl::StrCat("| ", Code(reason.name), reason.beyond_api ? " †" : "", " | ", reason.code,
                      " | ", MetadataOf(reason), " | ", reason.retry ? "yes" : "", " | ",
                      Cell(reason.means), " |\n");
}

std::string AnswerOf(const Row& row) {
  std::string answer = row.answer == "OK" ? "OK" : Code(row.answer);
  const bool named = row.fields.size() == 1 && row.at == row.fields[0];
  if (!row.at.empty() && !named) absl::StrAppend(&answer, " at ", Code(row.at));
  return answer;
}

std::string RowLine(const Row& row) {
  std::vector<std::string> fields;
  for (const std::string& field : row.fields) fields.push_back(Code(field));
  return absl::StrCat("| ", absl::StrJoin(fields, " "), " | ", Cell(row.fault), " | ",
                      AnswerOf(row), " |\n");
}

std::string Title(const RefusalTable& table, const Group& group) {
  if (group.rpcs.size() == table.requests.size()) return "Every RPC";
  return absl::StrJoin(group.rpcs, ", ");
}

}  // namespace

std::string RefusalPage(const RefusalTable& table) {
  std::string page(kTop);
  for (const Reason& reason : table.reasons) page += ReasonLine(reason);
  absl::StrAppend(&page, kTurnErrors);
  for (const auto& [reason, means] : table.turn_errors) {
    absl::StrAppend(&page, "| ", Code(reason), " | ", Cell(means), " |\n");
  }
  absl::StrAppend(&page, kRows);
  for (const Group& group : table.groups) {
    absl::StrAppend(&page, "\n### ", Title(table, group),
                    "\n\n| Field | Value | Answer |\n|---|---|---|\n");
    for (const Row& row : group.rows) page += RowLine(row);
  }
  return page;
}

}  // namespace penstock::contract
