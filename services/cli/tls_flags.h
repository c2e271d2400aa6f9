// Mutual TLS to the gateway, as the flags say.
#pragma once

#include <memory>

#include "services/cli/command_line.h"

#include "absl/status/statusor.h"

namespace grpc {
class ChannelCredentials;
}

namespace penstock::cli {

// Reads the files of --tls-ca, --tls-cert and --tls-key. Null without --tls-ca: plaintext. A usage
// error when a flag lacks the one it needs; otherwise what is wrong with a file.
absl::StatusOr<std::shared_ptr<grpc::ChannelCredentials>> TlsOf(const Arguments& arguments);

}  // namespace penstock::cli
