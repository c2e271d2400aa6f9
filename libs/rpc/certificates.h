// Certificate, key and authorities of one side of mutual TLS: read from PEM files, and checked
// together before gRPC sees them, because it takes a pair that does not fit and then fails every
// handshake.
#pragma once

#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "absl/time/time.h"

namespace penstock::rpc {

// A file, and what the user calls it: {"tls.cert_file", "/etc/penstock/tls.crt"}.
struct NamedFile {
  std::string setting;
  std::string path;
};

struct CertificateFiles {
  // The own certificate, with the intermediate ones behind it. Empty path: there is none, and no
  // key.
  NamedFile certificate;
  NamedFile key;
  // Who may vouch for the other side.
  NamedFile authorities;
};

// PEM texts.
struct Certificates {
  std::string chain;
  std::string key;
  std::string authorities;
  // The end of the own certificate; InfiniteFuture without one.
  absl::Time expires = absl::InfiniteFuture();
  // DNS names and URIs of the own certificate.
  std::vector<std::string> names;

  bool SameFiles(const Certificates& other) const {
    return chain == other.chain && key == other.key && authorities == other.authorities;
  }
};

// Reads all files as of one moment: again when one of them changes meanwhile. Each is at most 1
// MiB. NOT_FOUND, PERMISSION_DENIED or what else a file cannot be read for; FAILED_PRECONDITION for
// text that is no certificate or key, a key with a passphrase, a key of another certificate, a
// certificate that is not valid at `now`, authorities that have all ended. Messages begin with the
// setting and the path, and say what to do; none holds a key.
absl::StatusOr<Certificates> ReadCertificates(const CertificateFiles& files, absl::Time now);

// Whether `name`, a DNS name or URI of a certificate, is the one expected. "*." at the front of a
// pattern stands for exactly one label. DNS names are compared without case, URIs byte by byte.
bool NameMatches(absl::string_view pattern, absl::string_view name);

}  // namespace penstock::rpc
