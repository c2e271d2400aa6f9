// A token for a user, signed with a key of the configuration, of a file or of the environment.
#pragma once

#include <string>
#include <vector>

#include "services/cli/command_line.h"

#include "absl/status/statusor.h"

namespace penstock::cli {

std::vector<Flag> MintFlags();

// What stands in the flags goes before what stands in the file of --config, which gives issuer,
// audience, kid and the secret of its HS256 key. Secrets are base64, as in the configuration.
absl::StatusOr<std::string> MintToken(const Arguments& arguments);

}  // namespace penstock::cli
