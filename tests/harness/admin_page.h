// What a process says on its admin port.
#pragma once

#include <string>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"

namespace penstock::harness {

// GET `path` ("/metrics") of the process called `name`, whose output stands in `folder`: its ready
// line, the last one, says where the port is. NOT_FOUND without such a line; UNAVAILABLE when the
// port does not answer 200.
absl::StatusOr<std::string> AdminPage(const std::string& folder, absl::string_view name,
                                      absl::string_view path);

}  // namespace penstock::harness
