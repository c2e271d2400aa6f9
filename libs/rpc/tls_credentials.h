// gRPC's credentials of mutual TLS, 1.2 or newer.
#pragma once

#include <memory>
#include <string>

#include <grpcpp/security/credentials.h>
#include <grpcpp/security/server_credentials.h>
#include <grpcpp/security/tls_certificate_provider.h>

#include "libs/rpc/certificates.h"

namespace penstock::rpc {

using CertificateProvider = std::shared_ptr<grpc::experimental::CertificateProviderInterface>;

// A client without a certificate that the authorities vouch for does not get through the handshake.
std::shared_ptr<grpc::ServerCredentials> ServerTls(CertificateProvider provider);

// The server's certificate must be vouched for, and have `name` (NameMatches) among its DNS names
// and URIs; the address that is dialled does not count. Otherwise calls fail with UNAVAILABLE,
// whose message says which names were found.
std::shared_ptr<grpc::ChannelCredentials> ClientTls(CertificateProvider provider, std::string name,
                                                    bool with_certificate = true);

// A provider of what was read once.
CertificateProvider ProviderOf(const Certificates& certificates);

}  // namespace penstock::rpc
