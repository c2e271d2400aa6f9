#include "libs/rpc/test_authority.h"

#include <atomic>
#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <utility>

#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/x509.h>
#include <openssl/x509v3.h>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"

namespace penstock::rpc {
namespace {

template <auto Free>
struct FreeBy {
  template <class T>
  void operator()(T* object) const {
    Free(object);
  }
};
using Key = std::unique_ptr<EVP_PKEY, FreeBy<EVP_PKEY_free>>;
using Certificate = std::unique_ptr<X509, FreeBy<X509_free>>;
using Buffer = std::unique_ptr<BIO, FreeBy<BIO_free_all>>;

void Require(bool done) {
  if (done) return;
  ERR_print_errors_fp(stderr);
  std::abort();
}

Key NewKey() {
  Key key(EVP_EC_gen("P-256"));
  Require(key != nullptr);
  return key;
}

std::string TextOf(const Buffer& buffer) {
  char* begin = nullptr;
  const long size = BIO_get_mem_data(buffer.get(), &begin);
  return std::string(begin, static_cast<size_t>(size));
}

std::string Pem(X509* certificate) {
  const Buffer buffer(BIO_new(BIO_s_mem()));
  Require(PEM_write_bio_X509(buffer.get(), certificate) == 1);
  return TextOf(buffer);
}

std::string Pem(EVP_PKEY* key) {
  const Buffer buffer(BIO_new(BIO_s_mem()));
  Require(PEM_write_bio_PrivateKey(buffer.get(), key, nullptr, nullptr, 0, nullptr, nullptr) == 1);
  return TextOf(buffer);
}

void SetTime(ASN1_TIME* to, absl::Time time) {
  Require(ASN1_TIME_set(to, absl::ToTimeT(time)) != nullptr);
}

// Without its signature.
Certificate Draft(absl::string_view name, EVP_PKEY* key, const Subject& subject) {
  static std::atomic<long> serial{1};
  Certificate certificate(X509_new());
  Require(X509_set_version(certificate.get(), X509_VERSION_3) == 1);
  ASN1_INTEGER_set(X509_get_serialNumber(certificate.get()), serial++);
  SetTime(X509_getm_notBefore(certificate.get()), subject.begins);
  SetTime(X509_getm_notAfter(certificate.get()), subject.ends);
  Require(X509_set_pubkey(certificate.get(), key) == 1);
  X509_NAME* common_name = X509_get_subject_name(certificate.get());
  Require(X509_NAME_add_entry_by_txt(common_name, "CN", MBSTRING_ASC,
                                     reinterpret_cast<const unsigned char*>(name.data()),
                                     static_cast<int>(name.size()), -1, 0) == 1);
  return certificate;
}

void Add(X509* certificate, int extension, const std::string& value) {
  X509_EXTENSION* made = X509V3_EXT_conf_nid(nullptr, nullptr, extension, value.c_str());
  Require(made != nullptr && X509_add_ext(certificate, made, -1) == 1);
  X509_EXTENSION_free(made);
}

std::string NamesOf(const Subject& subject) {
  std::vector<std::string> names;
  for (const std::string& name : subject.dns_names) names.push_back("DNS:" + name);
  for (const std::string& uri : subject.uris) names.push_back("URI:" + uri);
  return absl::StrJoin(names, ",");
}

}  // namespace

struct TestAuthority::Keys {
  Key key;
  Certificate certificate;
};

TestAuthority::TestAuthority(absl::string_view name) : keys_(std::make_unique<Keys>()) {
  keys_->key = NewKey();
  keys_->certificate = Draft(name, keys_->key.get(), {});
  X509* own = keys_->certificate.get();
  Require(X509_set_issuer_name(own, X509_get_subject_name(own)) == 1);
  Add(own, NID_basic_constraints, "critical,CA:TRUE");
  Add(own, NID_key_usage, "critical,keyCertSign");
  Require(X509_sign(own, keys_->key.get(), EVP_sha256()) > 0);
  certificate_ = Pem(own);
}

TestAuthority::~TestAuthority() = default;

IssuedPair TestAuthority::Issue(const Subject& subject) const {
  const Key key = NewKey();
  const Certificate leaf = Draft("leaf", key.get(), subject);
  Require(X509_set_issuer_name(leaf.get(), X509_get_subject_name(keys_->certificate.get())) == 1);
  Add(leaf.get(), NID_basic_constraints, "critical,CA:FALSE");
  Add(leaf.get(), NID_ext_key_usage, "serverAuth,clientAuth");
  if (const std::string names = NamesOf(subject); !names.empty()) {
    Add(leaf.get(), NID_subject_alt_name, names);
  }
  Require(X509_sign(leaf.get(), keys_->key.get(), EVP_sha256()) > 0);
  return {.certificate = Pem(leaf.get()), .key = Pem(key.get())};
}

void TestAuthority::WriteTo(const std::string& folder, absl::string_view name) const {
  ReplaceFile(folder, absl::StrCat(name, ".crt"), certificate_);
}

void IssuedPair::WriteTo(const std::string& folder, absl::string_view name) const {
  ReplaceFile(folder, absl::StrCat(name, ".key"), key);
  ReplaceFile(folder, absl::StrCat(name, ".crt"), certificate);
}

void ReplaceFile(const std::string& folder, absl::string_view name, absl::string_view text) {
  const std::string path = absl::StrCat(folder, "/", name);
  const std::string next = path + ".next";
  std::ofstream file(next, std::ios::binary);
  file << std::string(text);
  file.close();
  std::filesystem::rename(next, path);
}

}  // namespace penstock::rpc
