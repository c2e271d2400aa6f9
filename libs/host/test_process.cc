// A process with one service that does as the environment says:
//   PENSTOCK_TEST=refuse  its Start fails
//   PENSTOCK_TEST=hang    its Drain never returns
// It prints what is called on standard output.
#include <cstdio>
#include <cstdlib>
#include <memory>
#include <string>
#include <vector>

#include "libs/base/mutex.h"
#include "libs/host/process.h"

#include "absl/strings/str_cat.h"

namespace penstock::host {
namespace {

class ObedientService : public Service {
 public:
  absl::string_view name() const override { return "obedient"; }

  absl::Status Start() override {
    if (order_ == "refuse") return absl::UnavailableError("told to refuse");
    return absl::OkStatus();
  }

  void Reload(const config::v1::Config& config) override {
    Say(absl::StrCat("reload ", config.queue().paid_floor()));
  }

  std::vector<std::string> Listening() const override { return {"unix:nowhere"}; }

  void Drain(absl::Duration timeout) override {
    Say("drain " + absl::FormatDuration(absl::Ceil(timeout, absl::Seconds(1))));
    MutexLock lock(mutex_);
    while (order_ == "hang") never_.Wait(mutex_);
  }

  void Stop() override { Say("stop"); }

 private:
  static void Say(const std::string& line) {
    std::puts(line.c_str());
    std::fflush(stdout);
  }

  const std::string order_ = std::getenv("PENSTOCK_TEST") ? std::getenv("PENSTOCK_TEST") : "";
  Mutex mutex_;
  CondVar never_;
};

}  // namespace
}  // namespace penstock::host

int main(int argc, char** argv) {
  return penstock::host::RunProcess(
      "test_process", argc, argv, [](const penstock::host::Environment&) {
        std::vector<std::unique_ptr<penstock::host::Service>> services;
        services.push_back(std::make_unique<penstock::host::ObedientService>());
        return services;
      });
}
