// Where the measured gateway is, and how its callers prove who they are.
#pragma once

#include <memory>
#include <string>
#include <utility>

#include <grpcpp/channel.h>
#include <grpcpp/security/credentials.h>

#include "absl/status/statusor.h"

namespace penstock::bench {

// Thread-safe.
class Gateway {
 public:
  // `address`: host:port or unix:path. `tls_folder`: what deploy/certificates made, of which
  // ca.crt, client.crt and client.key are read; empty: plaintext.
  static absl::StatusOr<Gateway> Create(std::string address, const std::string& tls_folder);

  // A channel to it.
  std::shared_ptr<grpc::Channel> Open() const;

 private:
  Gateway(std::string address, std::shared_ptr<grpc::ChannelCredentials> credentials)
      : address_(std::move(address)), credentials_(std::move(credentials)) {}

  std::string address_;
  // Null: plaintext.
  std::shared_ptr<grpc::ChannelCredentials> credentials_;
};

}  // namespace penstock::bench
