#include "libs/http/test_authority.h"

#include <atomic>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <fstream>

#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/x509v3.h>
#include <unistd.h>

namespace penstock::http {
namespace {

constexpr long kDay = 24 * 60 * 60;

template <class T>
T* NotNull(T* pointer) {
  if (pointer == nullptr) std::abort();
  return pointer;
}

void Check(int result) {
  if (result <= 0) std::abort();
}

template <class Write>
std::string ToPem(const Write& write) {
  BIO* const memory = NotNull(BIO_new(BIO_s_mem()));
  Check(write(memory));
  char* bytes = nullptr;
  const long size = BIO_get_mem_data(memory, &bytes);
  std::string pem(bytes, static_cast<size_t>(size));
  BIO_free(memory);
  return pem;
}

std::string ToPem(X509* certificate) {
  return ToPem([&](BIO* out) { return PEM_write_bio_X509(out, certificate); });
}

void AddExtension(X509* certificate, int kind, const std::string& value) {
  X509_EXTENSION* const extension =
      NotNull(X509V3_EXT_conf_nid(nullptr, nullptr, kind, value.c_str()));
  Check(X509_add_ext(certificate, extension, -1));
  X509_EXTENSION_free(extension);
}

long NextSerial() {
  static std::atomic<long> serial = 1;
  return serial++;
}

}  // namespace

TestAuthority::Key TestAuthority::NewKey() { return Key(NotNull(EVP_EC_gen("P-256"))); }

TestAuthority::Certificate TestAuthority::NewCertificate(absl::string_view common_name,
                                                         EVP_PKEY* key, X509* issuer,
                                                         EVP_PKEY* signer,
                                                         const std::string& alternative_name,
                                                         absl::Duration valid_for) {
  Certificate certificate(NotNull(X509_new()));
  X509* const x509 = certificate.get();
  Check(X509_set_version(x509, 2));
  Check(ASN1_INTEGER_set(X509_get_serialNumber(x509), NextSerial()));
  NotNull(X509_gmtime_adj(X509_getm_notBefore(x509), -kDay));
  NotNull(X509_gmtime_adj(X509_getm_notAfter(x509), absl::ToInt64Seconds(valid_for)));
  Check(X509_set_pubkey(x509, key));
  Check(X509_NAME_add_entry_by_txt(X509_get_subject_name(x509), "CN", MBSTRING_ASC,
                                   reinterpret_cast<const unsigned char*>(common_name.data()),
                                   static_cast<int>(common_name.size()), -1, 0));
  Check(X509_set_issuer_name(x509, X509_get_subject_name(issuer == nullptr ? x509 : issuer)));
  AddExtension(x509, NID_basic_constraints, issuer == nullptr ? "critical,CA:TRUE" : "CA:FALSE");
  if (!alternative_name.empty()) AddExtension(x509, NID_subject_alt_name, alternative_name);
  Check(X509_sign(x509, signer, EVP_sha256()));
  return certificate;
}

TestAuthority::TestAuthority()
    : key_(NewKey()),
      certificate_(NewCertificate("penstock test authority", key_.get(), nullptr, key_.get(), "",
                                  absl::Hours(24))) {
  char path[] = "/tmp/penstock_test_ca_XXXXXX";
  const int file = mkstemp(path);
  if (file < 0) std::abort();
  close(file);
  ca_file_ = path;
  std::ofstream(ca_file_) << ToPem(certificate_.get());
}

TestAuthority::~TestAuthority() { std::remove(ca_file_.c_str()); }

IssuedCertificate TestAuthority::Issue(const std::string& name, absl::Duration valid_for) const {
  const Key key = NewKey();
  const Certificate certificate = NewCertificate("penstock test server", key.get(),
                                                 certificate_.get(), key_.get(), name, valid_for);
  return {.certificate = ToPem(certificate.get()),
          .key = ToPem([&](BIO* out) {
            return PEM_write_bio_PrivateKey(out, key.get(), nullptr, nullptr, 0, nullptr, nullptr);
          })};
}

}  // namespace penstock::http
