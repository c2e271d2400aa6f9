// A certificate authority for tests, with its files in a folder of its own.
#pragma once

#include <memory>
#include <string>

#include <openssl/x509.h>

#include "absl/strings/string_view.h"
#include "absl/time/time.h"

namespace penstock::http {

// PEM.
struct IssuedCertificate {
  std::string certificate;
  std::string key;
};

// P-256 keys, valid from a day ago. Aborts where OpenSSL fails.
class TestAuthority {
 public:
  TestAuthority();
  ~TestAuthority();
  TestAuthority(const TestAuthority&) = delete;
  TestAuthority& operator=(const TestAuthority&) = delete;

  // Of a server. `name`: a subject alternative name in OpenSSL's notation ("DNS:localhost",
  // "IP:127.0.0.1"); `valid_for` counts from now, and may be negative.
  IssuedCertificate Issue(const std::string& name, absl::Duration valid_for = absl::Hours(1)) const;

  // The authority's own certificate; the file goes with this object.
  const std::string& ca_file() const { return ca_file_; }

 private:
  struct FreeKey {
    void operator()(EVP_PKEY* key) const { EVP_PKEY_free(key); }
  };
  struct FreeCertificate {
    void operator()(X509* certificate) const { X509_free(certificate); }
  };
  using Key = std::unique_ptr<EVP_PKEY, FreeKey>;
  using Certificate = std::unique_ptr<X509, FreeCertificate>;

  static Key NewKey();
  // Signed by `signer`; `issuer` null: by itself.
  static Certificate NewCertificate(absl::string_view common_name, EVP_PKEY* key, X509* issuer,
                                    EVP_PKEY* signer, const std::string& alternative_name,
                                    absl::Duration valid_for);

  Key key_;
  Certificate certificate_;
  std::string ca_file_;
};

}  // namespace penstock::http
