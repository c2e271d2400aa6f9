// What the model may call, and the ids of its calls.
#pragma once

#include <string>

#include "penstock/provider/v1/provider_adapter.pb.h"

#include "absl/container/flat_hash_set.h"
#include "absl/strings/string_view.h"

namespace penstock::provider_adapter {

// Not thread-safe.
class OfferedTools {
 public:
  OfferedTools() = default;
  explicit OfferedTools(const provider::v1::GenerateRequest& request);

  bool empty() const { return names_.empty(); }
  bool Has(absl::string_view name) const { return names_.contains(name); }

  // The id of a new call: `given` where no call before has it, else one that is made up. A request
  // holds all earlier calls of its turn, so the id is unique in the turn, whatever a server sends:
  // some send none, some the same in each answer, some none that could be shown.
  std::string NewCallId(absl::string_view given);

 private:
  absl::flat_hash_set<std::string> names_;
  absl::flat_hash_set<std::string> ids_;
};

}  // namespace penstock::provider_adapter
