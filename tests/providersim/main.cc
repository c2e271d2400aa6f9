#include <cstdio>
#include <fstream>

#include <sys/resource.h>

#include "libs/base/log.h"
#include "tests/providersim/server.h"

#include "absl/strings/str_cat.h"

namespace penstock::providersim {
namespace {

int Fail(const absl::Status& status) {
  std::fprintf(stderr, "providersim: %s\n", std::string(status.message()).c_str());
  return 1;
}

// A stream is a file descriptor.
void AllowManyFiles() {
  rlimit limit{};
  if (getrlimit(RLIMIT_NOFILE, &limit) != 0) return;
  limit.rlim_cur = limit.rlim_max;
  setrlimit(RLIMIT_NOFILE, &limit);
}

// Whole or not at all: whoever waits for the file reads it as soon as it is there.
absl::Status WriteWhole(const std::string& path, const std::string& text) {
  const std::string draft = path + ".new";
  std::ofstream(draft) << text << "\n";
  if (std::rename(draft.c_str(), path.c_str()) == 0) return absl::OkStatus();
  return absl::ErrnoToStatus(errno, "--port-file " + path);
}

int Main(const std::vector<std::string>& arguments) {
  auto options = ParseOptions(arguments);
  if (!options.ok()) return Fail(options.status());
  if (options->help) return std::fputs(std::string(Usage()).c_str(), stdout) < 0;
  ConfigureLog("providersim", Severity::kInfo);
  AllowManyFiles();
  const std::string port_file = options->port_file;
  auto server = Server::Open(*std::move(options));
  if (!server.ok()) return Fail(server.status());
  (*server)->StopOnSignals();
  if (!port_file.empty()) {
    if (absl::Status status = WriteWhole(port_file, (*server)->address()); !status.ok()) {
      return Fail(status);
    }
  }
  std::printf("ready providersim %s\n", (*server)->url().c_str());
  std::fflush(stdout);
  (*server)->Run();
  return 0;
}

}  // namespace
}  // namespace penstock::providersim

int main(int argc, char** argv) {
  return penstock::providersim::Main(std::vector<std::string>(argv + 1, argv + argc));
}
