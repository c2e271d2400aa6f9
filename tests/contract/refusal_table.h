// The expected table of refusals.yaml: what each public RPC answers to each fault of its fields.
#pragma once

#include <map>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"

namespace penstock::contract {

// One ErrorInfo.reason, and what comes with it wherever it is given.
struct Reason {
  std::string name;
  // "INVALID_ARGUMENT".
  std::string code;
  // A RetryInfo comes along.
  bool retry = false;
  // Keys of ErrorInfo.metadata: those that are always there, and those that may be.
  std::set<std::string> metadata = {};
  std::set<std::string> may_have = {};
  // One sentence, for a caller.
  std::string means;
  // "Suite.Name" of the test that provokes it, where no row can.
  std::string test = {};
  // Given by a listener that has not let the call in, not by a service.
  bool of_listener = false;
  // The design's page of the API does not have it.
  bool beyond_api = false;
};

// One fault, or one value that is just right, of one field.
struct Row {
  // Paths in the request ("turn.input.text.text"); none: the request or the call as a whole.
  std::vector<std::string> fields = {};
  std::string fault = {};
  // Who asks; README.md lists them.
  std::string caller = "caller";
  // How the good request is changed: cleared first, then merged with text format, then bytes
  // behind its encoding (C escapes). Both are unfolded and have their names put in.
  std::vector<std::string> clear = {};
  std::string set = {};
  std::string bytes = {};
  // "OK", or the name of a Reason.
  std::string answer = {};
  // The field that a FIELD_INVALID or TOO_LARGE names.
  std::string at = {};
  // Values that ErrorInfo.metadata has.
  std::map<std::string, std::string> metadata = {};
  // Stands for all that is below its fields.
  bool below = false;
};

struct Group {
  // "Turns.GetTurn".
  std::vector<std::string> rpcs;
  std::vector<Row> rows;
};

struct RefusalTable {
  std::vector<Reason> reasons;
  // What stands in Turn.error, with its meaning.
  std::vector<std::pair<std::string, std::string>> turn_errors;
  // Of each RPC a good request, in text format.
  std::map<std::string, std::string> requests;
  std::vector<Group> groups;

  // Null when there is none.
  const Reason* Find(absl::string_view reason) const;
};

// INVALID_ARGUMENT says what does not fit, and where.
absl::StatusOr<RefusalTable> ParseRefusalTable(const std::string& yaml);

// Of the source tree.
absl::StatusOr<RefusalTable> ReadRefusalTable();

}  // namespace penstock::contract
