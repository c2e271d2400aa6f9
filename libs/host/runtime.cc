#include "libs/host/runtime.h"

#include <algorithm>
#include <utility>

#include <boost/json/array.hpp>
#include <boost/json/object.hpp>
#include <boost/json/serialize.hpp>

#include "libs/async/inline_executor.h"
#include "libs/base/log.h"
#include "libs/base/status_macros.h"
#include "libs/host/endpoint.h"

#include "absl/strings/str_cat.h"

namespace penstock::host {
namespace {

int WorkerCount(const config::v1::Process& process) {
  if (process.threads() > 0) return process.threads();
  return std::max(1, static_cast<int>(std::thread::hardware_concurrency()));
}

absl::Duration ToDuration(const google::protobuf::Duration& duration) {
  return absl::Seconds(duration.seconds()) + absl::Nanoseconds(duration.nanos());
}

}  // namespace

Runtime::Runtime(absl::string_view name, const config::v1::Config& config)
    : name_(name),
      config_(config),
      work_(boost::asio::make_work_guard(io_)),
      timers_(io_),
      blocking_(config.process().blocking_threads(),
                static_cast<size_t>(config.process().max_blocking_reads())),
      environment_{config_,  io_,    InlineExecutor(io_), timers_, SystemClock(), blocking_,
                   metrics_, health_} {
  metrics_
      .AddGauge("penstock_build_info", "Always 1; the labels say what runs.",
                {{"service", name_}, {"version", PENSTOCK_VERSION}})
      .Set(1);
  for (int i = 0; i < WorkerCount(config.process()); ++i) {
    workers_.emplace_back([this] { io_.run(); });
  }
}

Runtime::~Runtime() {
  health_.StopServing();
  StopServices();
  services_.clear();
  admin_.reset();
  work_.reset();
  io_.stop();
  for (std::thread& worker : workers_) worker.join();
}

absl::Status Runtime::Start(ServiceFactory make) {
  // First the admin port: a recovery may be long, and is no reason to be killed by a probe.
  PENSTOCK_RETURN_IF_ERROR(OpenAdmin());
  PENSTOCK_ASSIGN_OR_RETURN(services_, make(environment_));
  if (const absl::Status started = StartServices(); !started.ok()) {
    StopServices();
    return started;
  }
  std::vector<const Service*> services;
  for (const auto& service : services_) services.push_back(service.get());
  health_.StartServing(std::move(services));
  return absl::OkStatus();
}

absl::Status Runtime::OpenAdmin() {
  if (config_.process().admin().empty()) return absl::OkStatus();
  PENSTOCK_ASSIGN_OR_RETURN(const Endpoint endpoint, ParseEndpoint(config_.process().admin()));
  auto admin = AdminServer::Listen(endpoint, metrics_, health_);
  if (!admin.ok()) {
    return absl::Status(admin.status().code(),
                        absl::StrCat("process.admin: ", admin.status().message()));
  }
  admin_ = *std::move(admin);
  Log(Severity::kInfo, "admin port open", {{"address", admin_->address()}});
  return absl::OkStatus();
}

absl::Status Runtime::StartServices() {
  for (const auto& service : services_) {
    const absl::Status started = service->Start();
    if (!started.ok()) {
      return absl::Status(started.code(), absl::StrCat(service->name(), ": ", started.message()));
    }
    ++running_;
    Log(Severity::kInfo, "started", {{"part", service->name()}});
  }
  return absl::OkStatus();
}

std::string Runtime::ReadyLine() const {
  boost::json::array listening;
  for (const auto& service : services_) {
    for (const std::string& address : service->Listening()) listening.emplace_back(address);
  }
  boost::json::object line = {{"ready", name_}, {"listening", std::move(listening)}};
  line["admin"] = admin_ ? boost::json::value(admin_->address()) : nullptr;
  return boost::json::serialize(line);
}

void Runtime::Reload(const config::v1::Config& config) {
  for (const auto& service : services_) service->Reload(config);
}

void Runtime::Stop() {
  health_.StopServing();
  // Endpoints and load balancers learn of "not ready" before connections are refused.
  std::this_thread::sleep_for(absl::ToChronoNanoseconds(ToDuration(config_.drain().delay())));
  DrainAndStopServices();
}

// Each before the next: what a service still runs when its drain is over must find those that it
// calls whole, until it is stopped itself.
void Runtime::DrainAndStopServices() {
  const absl::Duration end = environment_.clock.Monotonic() + ToDuration(config_.drain().timeout());
  while (running_ > 0) {
    Service& service = *services_[--running_];
    service.Drain(std::max(end - environment_.clock.Monotonic(), absl::ZeroDuration()));
    service.Stop();
  }
}

void Runtime::StopServices() {
  while (running_ > 0) services_[--running_]->Stop();
}

}  // namespace penstock::host
