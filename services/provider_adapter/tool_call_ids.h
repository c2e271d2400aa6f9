// The ids that calls of tools have on the wire.
#pragma once

#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "absl/container/flat_hash_set.h"
#include "absl/strings/string_view.h"

namespace penstock::provider_adapter {

// A conversation may hold calls that another provider made, with ids that this one refuses, and ids
// that came twice in it. Given the messages in order, each call gets an id that fits and is its own
// in the request, and each result that of its call. The same messages give the same ids, so that a
// provider's prompt cache holds. Not thread-safe.
class ToolCallIds {
 public:
  enum class Form {
    // At most 40 of printable ASCII: what OpenAI takes.
    kForty,
    // At most 64 of [A-Za-z0-9_-]: what Anthropic takes.
    kWord,
    // Nine of [A-Za-z0-9]: what Mistral takes.
    kNine,
  };
  explicit ToolCallIds(Form form) : form_(form) {}

  // A call; it is open until it has its result.
  std::string Call(absl::string_view id);
  // The result of the oldest open call with this id; nullopt when there is none.
  std::optional<std::string> Result(absl::string_view id);
  // Closes what is open: the calls that have no result, in their order, as they are on the wire.
  std::vector<std::string> TakeOpen();

 private:
  const Form form_;
  absl::flat_hash_set<std::string> used_;
  // Given and wire id.
  std::vector<std::pair<std::string, std::string>> open_;
};

}  // namespace penstock::provider_adapter
