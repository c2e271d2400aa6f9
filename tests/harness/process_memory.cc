#include "tests/harness/process_memory.h"

#include <fstream>
#include <string>

#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/strip.h"

namespace penstock::harness {
namespace {

int64_t BytesOf(pid_t pid, absl::string_view key) {
  std::ifstream status(absl::StrCat("/proc/", pid, "/status"));
  for (std::string line; std::getline(status, line);) {
    absl::string_view rest = line;
    if (!absl::ConsumePrefix(&rest, key) || !absl::ConsumeSuffix(&rest, "kB")) continue;
    int64_t kib = 0;
    if (absl::SimpleAtoi(rest, &kib)) return kib * 1024;
  }
  return 0;
}

}  // namespace

int64_t ResidentMemory(pid_t pid) { return BytesOf(pid, "VmRSS:"); }

int64_t PeakResidentMemory(pid_t pid) { return BytesOf(pid, "VmHWM:"); }

}  // namespace penstock::harness
