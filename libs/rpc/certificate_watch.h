// The certificates of this process, kept up to date while it runs.
#pragma once

#include <condition_variable>
#include <memory>
#include <mutex>
#include <stop_token>
#include <string>
#include <thread>

#include <grpcpp/security/tls_certificate_provider.h>

#include "libs/base/clock.h"
#include "libs/obs/metrics.h"
#include "libs/rpc/certificates.h"
#include "libs/rpc/memory_file.h"

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/time/time.h"

namespace penstock::rpc {

// Looks at the files again and again, on a thread of its own. What it finds right is in force for
// handshakes at most 1 s later; connections that stand keep what they have. What it finds wrong is
// told (a warning, penstock_tls_reload_failures_total) and changes nothing.
//
// gRPC's own watcher of files takes a key and a certificate that do not belong together, and then
// fails every handshake; so it is given only what was checked here, key and certificate as one file
// in memory.
class CertificateWatch {
 public:
  // Reads the files; an error is ReadCertificates'. `interval`: between two looks. The references
  // outlive the watch.
  static absl::StatusOr<std::unique_ptr<CertificateWatch>> Start(CertificateFiles files,
                                                                 absl::Duration interval,
                                                                 const Clock& clock,
                                                                 obs::Metrics& metrics);
  ~CertificateWatch();

  // For credentials of either side, any number of them. Keep the watch longer than they are used.
  const std::shared_ptr<grpc::experimental::CertificateProviderInterface>& provider() const {
    return provider_;
  }

 private:
  CertificateWatch(CertificateFiles files, const Clock& clock, obs::Metrics& metrics);

  absl::Status Publish(const Certificates& read);
  // Tells what it finds wrong.
  void Look();
  void Run(std::stop_token stop, absl::Duration interval);

  const CertificateFiles files_;
  const Clock& clock_;
  prometheus::Counter& reloads_;
  prometheus::Counter& failures_;
  prometheus::Gauge& expiry_;
  MemoryFile pair_;
  MemoryFile authorities_;
  Certificates in_force_;
  // The last complaint, so that each is told once.
  std::string told_;
  std::shared_ptr<grpc::experimental::CertificateProviderInterface> provider_;
  std::mutex mutex_;
  std::condition_variable_any wake_;
  std::jthread thread_;
};

}  // namespace penstock::rpc
