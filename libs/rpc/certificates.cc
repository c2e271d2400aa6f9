#include "libs/rpc/certificates.h"

#include <algorithm>
#include <cerrno>
#include <cstdio>
#include <ctime>
#include <memory>
#include <tuple>
#include <utility>

#include <openssl/err.h>
#include <openssl/pem.h>
#include <openssl/x509.h>
#include <openssl/x509v3.h>
#include <sys/stat.h>

#include "libs/base/status_macros.h"
#include "libs/identity/openssl_ptr.h"

#include "absl/strings/ascii.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/strip.h"

namespace penstock::rpc {
namespace {

constexpr size_t kMaxFileBytes = size_t{1} << 20;
// Reads that saw a file change in between, before the last of them is taken as it is.
constexpr int kMaxReads = 3;

using identity::BioPtr;
using identity::OpenSslFree;
using identity::PkeyPtr;
using X509Ptr = std::unique_ptr<X509, OpenSslFree<X509_free>>;
using NamesPtr = std::unique_ptr<GENERAL_NAMES, OpenSslFree<GENERAL_NAMES_free>>;

absl::Status Wrong(const NamedFile& file, absl::string_view what) {
  ERR_clear_error();
  return absl::FailedPreconditionError(absl::StrCat(file.setting, " ", file.path, ": ", what));
}

absl::StatusOr<std::string> ReadText(const NamedFile& file) {
  if (file.path.empty()) return std::string();
  const auto failed = [&](absl::string_view what) {
    return absl::ErrnoToStatus(errno, absl::StrCat(file.setting, " ", file.path, ": ", what));
  };
  const std::unique_ptr<FILE, int (*)(FILE*)> open(std::fopen(file.path.c_str(), "rb"),
                                                   &std::fclose);
  if (open == nullptr) return failed("cannot be opened; give a file that this user may read");
  std::string text(kMaxFileBytes + 1, '\0');
  text.resize(std::fread(text.data(), 1, text.size(), open.get()));
  if (std::ferror(open.get()) != 0) return failed("cannot be read");
  if (text.size() > kMaxFileBytes) {
    return Wrong(file, absl::StrCat("found more than ", kMaxFileBytes, " bytes, allowed at most"));
  }
  return text;
}

// Changes with every exchange of the file, also of one that a symbolic link leads to.
using Version = std::tuple<dev_t, ino_t, time_t, long, off_t>;

Version VersionOf(const NamedFile& file) {
  struct stat found{};
  if (stat(file.path.c_str(), &found) != 0) return {};
  return {found.st_dev, found.st_ino, found.st_mtim.tv_sec, found.st_mtim.tv_nsec, found.st_size};
}

std::vector<Version> VersionsOf(const CertificateFiles& files) {
  return {VersionOf(files.certificate), VersionOf(files.key), VersionOf(files.authorities)};
}

absl::StatusOr<Certificates> ReadTexts(const CertificateFiles& files) {
  for (int reads = 1;; ++reads) {
    const auto before = VersionsOf(files);
    Certificates read;
    PENSTOCK_ASSIGN_OR_RETURN(read.chain, ReadText(files.certificate));
    PENSTOCK_ASSIGN_OR_RETURN(read.key, ReadText(files.key));
    PENSTOCK_ASSIGN_OR_RETURN(read.authorities, ReadText(files.authorities));
    if (reads == kMaxReads || before == VersionsOf(files)) return read;
  }
}

BioPtr Reader(absl::string_view text) {
  return BioPtr(BIO_new_mem_buf(text.data(), static_cast<int>(text.size())));
}

std::vector<X509Ptr> ParseChain(absl::string_view pem) {
  const BioPtr reader = Reader(pem);
  std::vector<X509Ptr> chain;
  while (X509* next = PEM_read_bio_X509(reader.get(), nullptr, nullptr, nullptr)) {
    chain.emplace_back(next);
  }
  ERR_clear_error();  // the end of the text
  return chain;
}

absl::Time TimeOf(const ASN1_TIME* time) {
  tm parts{};
  if (ASN1_TIME_to_tm(time, &parts) != 1) return absl::InfinitePast();
  return absl::FromTimeT(timegm(&parts));
}

std::string Shown(absl::Time time) { return absl::FormatTime(time, absl::UTCTimeZone()); }

absl::Status CheckTime(const NamedFile& file, const X509& leaf, absl::Time now) {
  const absl::Time begins = TimeOf(X509_get0_notBefore(&leaf));
  const absl::Time ends = TimeOf(X509_get0_notAfter(&leaf));
  if (now < begins) {
    return Wrong(file, absl::StrCat("found a certificate that is not valid before ", Shown(begins),
                                    "; it is ", Shown(now), " here: compare the clocks"));
  }
  if (now < ends) return absl::OkStatus();
  return Wrong(file, absl::StrCat("found a certificate that has expired at ", Shown(ends),
                                  "; issue a new one"));
}

// A passphrase would be asked for on the terminal.
int NoPassphrase(char*, int, int, void*) { return -1; }

absl::Status CheckKey(const CertificateFiles& files, absl::string_view pem, X509& leaf) {
  const BioPtr reader = Reader(pem);
  const PkeyPtr key(PEM_read_bio_PrivateKey(reader.get(), nullptr, NoPassphrase, nullptr));
  if (key == nullptr) {
    return Wrong(files.key,
                 "found no private key, allowed one in PEM without a passphrase "
                 "(-----BEGIN PRIVATE KEY-----)");
  }
  if (X509_check_private_key(&leaf, key.get()) == 1) return absl::OkStatus();
  return Wrong(files.key,
               absl::StrCat("found the key of another certificate than ", files.certificate.setting,
                            " ", files.certificate.path, "; exchange both together"));
}

absl::Status CheckAuthorities(const NamedFile& file, absl::string_view pem, absl::Time now) {
  const std::vector<X509Ptr> found = ParseChain(pem);
  if (found.empty()) {
    return Wrong(file,
                 "found no certificate, allowed one or more in PEM (-----BEGIN CERTIFICATE-----)");
  }
  const bool one_holds = std::any_of(found.begin(), found.end(), [now](const X509Ptr& authority) {
    return now < TimeOf(X509_get0_notAfter(authority.get()));
  });
  return one_holds ? absl::OkStatus() : Wrong(file, "found only certificates that have expired");
}

std::vector<std::string> NamesOf(const X509& leaf) {
  const NamesPtr found(
      static_cast<GENERAL_NAMES*>(X509_get_ext_d2i(&leaf, NID_subject_alt_name, nullptr, nullptr)));
  std::vector<std::string> names;
  for (int i = 0; found != nullptr && i < sk_GENERAL_NAME_num(found.get()); ++i) {
    const GENERAL_NAME* name = sk_GENERAL_NAME_value(found.get(), i);
    if (name->type != GEN_DNS && name->type != GEN_URI) continue;
    // Both are an IA5String in the same place of the union.
    const ASN1_IA5STRING* text = name->d.ia5;
    names.emplace_back(reinterpret_cast<const char*>(ASN1_STRING_get0_data(text)),
                       static_cast<size_t>(ASN1_STRING_length(text)));
  }
  return names;
}

}  // namespace

absl::StatusOr<Certificates> ReadCertificates(const CertificateFiles& files, absl::Time now) {
  PENSTOCK_ASSIGN_OR_RETURN(Certificates read, ReadTexts(files));
  PENSTOCK_RETURN_IF_ERROR(CheckAuthorities(files.authorities, read.authorities, now));
  if (files.certificate.path.empty()) return read;
  const std::vector<X509Ptr> chain = ParseChain(read.chain);
  if (chain.empty()) {
    return Wrong(files.certificate,
                 "found no certificate, allowed one in PEM (-----BEGIN CERTIFICATE-----)");
  }
  X509& leaf = *chain.front();
  PENSTOCK_RETURN_IF_ERROR(CheckTime(files.certificate, leaf, now));
  PENSTOCK_RETURN_IF_ERROR(CheckKey(files, read.key, leaf));
  read.expires = TimeOf(X509_get0_notAfter(&leaf));
  read.names = NamesOf(leaf);
  return read;
}

bool NameMatches(absl::string_view pattern, absl::string_view name) {
  if (absl::StrContains(pattern, "://")) return pattern == name;
  if (!absl::ConsumePrefix(&pattern, "*.")) return absl::EqualsIgnoreCase(pattern, name);
  const size_t dot = name.find('.');
  return dot != absl::string_view::npos && dot > 0 &&
         absl::EqualsIgnoreCase(pattern, name.substr(dot + 1));
}

}  // namespace penstock::rpc
