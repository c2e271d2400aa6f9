#include "libs/http/certificate_file.h"

#include <cerrno>
#include <cstdio>
#include <cstring>
#include <memory>

#include <openssl/err.h>
#include <openssl/pem.h>
#include <openssl/x509.h>

#include "absl/strings/str_cat.h"

namespace penstock::http {
namespace {

struct CloseFile {
  void operator()(std::FILE* file) const { std::fclose(file); }
};
struct FreeCertificate {
  void operator()(X509* certificate) const { X509_free(certificate); }
};

}  // namespace

absl::Status CheckCertificateFile(const std::string& path) {
  const std::unique_ptr<std::FILE, CloseFile> file(std::fopen(path.c_str(), "re"));
  if (file == nullptr) {
    return absl::NotFoundError(absl::StrCat("cannot be read: ", std::strerror(errno)));
  }
  int certificates = 0;
  while (const std::unique_ptr<X509, FreeCertificate> certificate{
      PEM_read_X509(file.get(), nullptr, nullptr, nullptr)}) {
    ++certificates;
  }
  // What ends the file is no error; a broken block is.
  const unsigned long error = ERR_peek_last_error();
  ERR_clear_error();
  if (ERR_GET_REASON(error) != PEM_R_NO_START_LINE) {
    return absl::InvalidArgumentError(
        absl::StrCat("holds a certificate that is broken, number ", certificates + 1));
  }
  if (certificates == 0) return absl::InvalidArgumentError("holds no certificate");
  return absl::OkStatus();
}

}  // namespace penstock::http
