#include "libs/rpc/certificate_watch.h"

#include <utility>

#include "libs/base/log.h"
#include "libs/base/status_macros.h"

#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"

namespace penstock::rpc {
namespace {

// Of gRPC's look at the files in memory; it counts whole seconds.
constexpr unsigned int kProviderSeconds = 1;

void LogInForce(absl::string_view what, const Certificates& read) {
  Log(Severity::kInfo, what,
      {{"names", absl::StrJoin(read.names, " ")},
       {"expires", absl::FormatTime(read.expires, absl::UTCTimeZone())}});
}

}  // namespace

CertificateWatch::CertificateWatch(CertificateFiles files, const Clock& clock,
                                   obs::Metrics& metrics)
    : files_(std::move(files)),
      clock_(clock),
      reloads_(metrics.AddCounter("penstock_tls_reloads_total",
                                  "Times that changed certificates came into force.")),
      failures_(metrics.AddCounter(
          "penstock_tls_reload_failures_total",
          "Looks at the certificate files that found something wrong; what was in force stayed.")),
      expiry_(metrics.AddGauge("penstock_tls_certificate_expiry_seconds",
                               "When the certificate in force ends, in seconds since 1970.")) {}

absl::StatusOr<std::unique_ptr<CertificateWatch>> CertificateWatch::Start(CertificateFiles files,
                                                                          absl::Duration interval,
                                                                          const Clock& clock,
                                                                          obs::Metrics& metrics) {
  auto watch =
      std::unique_ptr<CertificateWatch>(new CertificateWatch(std::move(files), clock, metrics));
  PENSTOCK_ASSIGN_OR_RETURN(const Certificates read, ReadCertificates(watch->files_, clock.Now()));
  PENSTOCK_RETURN_IF_ERROR(watch->Publish(read));
  const std::string pair = watch->pair_.path();
  watch->provider_ = std::make_shared<grpc::experimental::FileWatcherCertificateProvider>(
      pair, pair, watch->authorities_.path(), kProviderSeconds);
  LogInForce("mutual TLS is on", read);
  watch->thread_ = std::jthread([self = watch.get(), interval](std::stop_token stop) {
    self->Run(std::move(stop), interval);
  });
  return watch;
}

// The provider reads paths of this object: it goes first.
CertificateWatch::~CertificateWatch() {
  thread_ = {};
  provider_ = nullptr;
}

absl::Status CertificateWatch::Publish(const Certificates& read) {
  // Readers of PEM skip what they do not look for, so one file is both.
  PENSTOCK_RETURN_IF_ERROR(pair_.Set(absl::StrCat(read.key, "\n", read.chain)));
  PENSTOCK_RETURN_IF_ERROR(authorities_.Set(read.authorities));
  expiry_.Set(static_cast<double>(absl::ToUnixSeconds(read.expires)));
  in_force_ = read;
  return absl::OkStatus();
}

void CertificateWatch::Look() {
  absl::StatusOr<Certificates> read = ReadCertificates(files_, clock_.Now());
  absl::Status status = read.status();
  if (read.ok()) {
    if (read->SameFiles(in_force_)) {
      told_.clear();
      return;
    }
    status = Publish(*read);
  }
  if (status.ok()) {
    reloads_.Increment();
    told_.clear();
    return LogInForce("certificates reloaded", *read);
  }
  failures_.Increment();
  if (std::exchange(told_, std::string(status.message())) == status.message()) return;
  Log(Severity::kWarning, "the certificates are not reloaded; what was in force stays",
      {{"status", status.message()},
       {"expires", absl::FormatTime(in_force_.expires, absl::UTCTimeZone())}});
}

void CertificateWatch::Run(std::stop_token stop, absl::Duration interval) {
  std::unique_lock lock(mutex_);
  const auto pause = absl::ToChronoMicroseconds(interval);
  while (!wake_.wait_for(lock, stop, pause, [&stop] { return stop.stop_requested(); })) Look();
}

}  // namespace penstock::rpc
