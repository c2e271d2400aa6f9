#include "libs/rpc/tls_credentials.h"

#include <functional>
#include <utility>
#include <vector>

#include <grpcpp/security/tls_certificate_verifier.h>
#include <grpcpp/security/tls_credentials_options.h>

#include "absl/strings/escaping.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"

namespace penstock::rpc {
namespace {

using grpc::experimental::TlsCustomVerificationCheckRequest;

// Asked after OpenSSL has verified the chain.
class NameVerifier : public grpc::experimental::ExternalCertificateVerifier {
 public:
  explicit NameVerifier(std::string expected) : expected_(std::move(expected)) {}

  bool Verify(TlsCustomVerificationCheckRequest* request, std::function<void(grpc::Status)>,
              grpc::Status* status) override {
    std::vector<std::string> names;
    for (const grpc::string_ref& name : request->dns_names())
      names.emplace_back(name.data(), name.size());
    for (const grpc::string_ref& name : request->uri_names())
      names.emplace_back(name.data(), name.size());
    for (const std::string& name : names) {
      // As in HTTPS, a certificate may stand for all names below one.
      if (NameMatches(expected_, name) || NameMatches(name, expected_)) {
        *status = grpc::Status::OK;
        return true;
      }
    }
    const std::string found = names.empty() ? "no DNS name and no URI" : absl::StrJoin(names, ", ");
    *status = grpc::Status(grpc::StatusCode::UNAUTHENTICATED,
                           absl::StrCat("the server's certificate: found ", absl::CEscape(found),
                                        ", expected ", expected_));
    return true;
  }

  void Cancel(TlsCustomVerificationCheckRequest*) override {}  // Verify never waits

 private:
  const std::string expected_;
};

}  // namespace

std::shared_ptr<grpc::ServerCredentials> ServerTls(CertificateProvider provider) {
  grpc::experimental::TlsServerCredentialsOptions options(std::move(provider));
  options.watch_root_certs();
  options.watch_identity_key_cert_pairs();
  options.set_cert_request_type(GRPC_SSL_REQUEST_AND_REQUIRE_CLIENT_CERTIFICATE_AND_VERIFY);
  return grpc::experimental::TlsServerCredentials(options);
}

std::shared_ptr<grpc::ChannelCredentials> ClientTls(CertificateProvider provider, std::string name,
                                                    bool with_certificate) {
  grpc::experimental::TlsChannelCredentialsOptions options;
  options.set_certificate_provider(std::move(provider));
  options.watch_root_certs();
  if (with_certificate) options.watch_identity_key_cert_pairs();
  options.set_certificate_verifier(
      grpc::experimental::ExternalCertificateVerifier::Create<NameVerifier>(std::move(name)));
  options.set_check_call_host(false);
  return grpc::experimental::TlsCredentials(options);
}

CertificateProvider ProviderOf(const Certificates& certificates) {
  using grpc::experimental::StaticDataCertificateProvider;
  if (certificates.chain.empty()) {
    return std::make_shared<StaticDataCertificateProvider>(certificates.authorities);
  }
  return std::make_shared<StaticDataCertificateProvider>(
      certificates.authorities,
      std::vector<grpc::experimental::IdentityKeyCertPair>{
          {.private_key = certificates.key, .certificate_chain = certificates.chain}});
}

}  // namespace penstock::rpc
