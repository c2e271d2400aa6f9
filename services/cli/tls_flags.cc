#include "services/cli/tls_flags.h"

#include <utility>

#include "libs/base/clock.h"
#include "libs/base/status_macros.h"
#include "libs/rpc/certificates.h"
#include "libs/rpc/tls_credentials.h"

#include "absl/strings/str_cat.h"

namespace penstock::cli {
namespace {

constexpr absl::string_view kUsualName = "gateway";

rpc::NamedFile FileOf(const Arguments& arguments, const std::string& flag) {
  return {.setting = flag, .path = arguments.Value(flag)};
}

absl::Status CheckTogether(const Arguments& arguments) {
  const std::pair<absl::string_view, absl::string_view> needs[] = {{"--tls-cert", "--tls-key"},
                                                                   {"--tls-key", "--tls-cert"},
                                                                   {"--tls-cert", "--tls-ca"},
                                                                   {"--tls-name", "--tls-ca"}};
  for (const auto& [flag, needed] : needs) {
    if (!arguments.Has(flag) || arguments.Has(needed)) continue;
    return UsageError(absl::StrCat(flag, " needs ", needed, ", too"));
  }
  return absl::OkStatus();
}

}  // namespace

absl::StatusOr<std::shared_ptr<grpc::ChannelCredentials>> TlsOf(const Arguments& arguments) {
  PENSTOCK_RETURN_IF_ERROR(CheckTogether(arguments));
  if (!arguments.Has("--tls-ca")) return nullptr;
  PENSTOCK_ASSIGN_OR_RETURN(const rpc::Certificates read,
                            rpc::ReadCertificates({.certificate = FileOf(arguments, "--tls-cert"),
                                                   .key = FileOf(arguments, "--tls-key"),
                                                   .authorities = FileOf(arguments, "--tls-ca")},
                                                  SystemClock().Now()));
  return rpc::ClientTls(rpc::ProviderOf(read), arguments.Value("--tls-name", kUsualName),
                        /*with_certificate=*/!read.chain.empty());
}

}  // namespace penstock::cli
