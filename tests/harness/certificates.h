// Certificates of a mesh: an authority, and a certificate for each process and for callers.
#pragma once

#include <map>
#include <memory>
#include <string>

#include <grpcpp/channel.h>
#include <grpcpp/security/credentials.h>

#include "libs/rpc/test_authority.h"
#include "tests/harness/mesh_config.h"

#include "absl/strings/string_view.h"

namespace penstock::harness {

// In files of a temporary folder, which goes with it. Thread-safe, but for Issue.
class MeshCertificates {
 public:
  MeshCertificates();
  ~MeshCertificates();
  MeshCertificates(const MeshCertificates&) = delete;
  MeshCertificates& operator=(const MeshCertificates&) = delete;

  // For MeshOptions.settings_of: the section `tls` of each process, standalone too; with
  // `reload_interval`.
  std::map<std::string, Settings> settings() const;

  // New certificates for all, in place of the old ones, issued by the second authority from now on.
  // Both authorities are vouched for from the start.
  void Exchange();

  // FOLDER/NAME.crt and .key of "client", "gateway" and so on, and FOLDER/ca.crt.
  const std::string& folder() const { return folder_; }
  const rpc::TestAuthority& authority() const { return *authorities_[issuer_]; }

  // Of a client with the certificate NAME that expects `service`'s on the other side. `vouched_by`:
  // the authorities that it trusts, PEM; both when empty.
  std::shared_ptr<grpc::ChannelCredentials> CredentialsOf(absl::string_view name,
                                                          const std::string& service,
                                                          const std::string& vouched_by = "") const;
  std::shared_ptr<grpc::Channel> Connect(const std::string& endpoint, absl::string_view name,
                                         const std::string& service,
                                         const std::string& vouched_by = "") const;

 private:
  void Issue() const;

  std::string folder_;
  const std::unique_ptr<rpc::TestAuthority> authorities_[2];
  size_t issuer_ = 0;
};

}  // namespace penstock::harness
