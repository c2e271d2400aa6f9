#include "tests/bench/turns/gateway.h"

#include <utility>

#include "libs/base/status_macros.h"
#include "libs/rpc/certificates.h"
#include "libs/rpc/channel.h"
#include "libs/rpc/tls_credentials.h"

#include "absl/strings/str_cat.h"
#include "absl/time/clock.h"

namespace penstock::bench {

absl::StatusOr<Gateway> Gateway::Create(std::string address, const std::string& tls_folder) {
  if (tls_folder.empty()) return Gateway(std::move(address), nullptr);
  const auto file = [&](const char* name) {
    return rpc::NamedFile{"--tls", absl::StrCat(tls_folder, "/", name)};
  };
  PENSTOCK_ASSIGN_OR_RETURN(const auto certificates,
                            rpc::ReadCertificates({.certificate = file("client.crt"),
                                                   .key = file("client.key"),
                                                   .authorities = file("ca.crt")},
                                                  absl::Now()));
  return Gateway(std::move(address), rpc::ClientTls(rpc::ProviderOf(certificates), "gateway"));
}

std::shared_ptr<grpc::Channel> Gateway::Open() const {
  return rpc::OpenChannel(address_, credentials_);
}

}  // namespace penstock::bench
