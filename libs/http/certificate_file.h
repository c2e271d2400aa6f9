// A PEM file of certificates, looked at before a connection needs it.
#pragma once

#include <string>

#include "absl/status/status.h"

namespace penstock::http {

// OK when libcurl can take `path` as HttpTransport::ca_file: it is readable and holds at least one
// certificate, and no broken one. Otherwise NOT_FOUND or INVALID_ARGUMENT with what is wrong, to be
// put after the path ("holds no certificate"). Waits for the disk.
absl::Status CheckCertificateFile(const std::string& path);

}  // namespace penstock::http
